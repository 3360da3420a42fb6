"""The column ``training_weight``: how much a row counts when a model learns from it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx_bsl.arrow.table_util import RecordBatchTake

from .density_ratio import DensityRatio
from .drift_statistics.columns import joined_columns
from .tree_inputs import TreeInputs, one_thread

WEIGHT = "training_weight"
SAMPLED_ROWS = 4_000
LEAST_ROWS = 100
_KNOWN_BY = ("log_request_id", "log_row")
Sample = tuple[np.ndarray, pa.RecordBatch]
"""A number for each row that follows from the row, in ascending order, and the rows."""


class SampleInputs(beam.PTransform):
    """A Sample of at most ``SAMPLED_ROWS`` rows, the same however rows are spread over batches."""

    def __init__(self, features: Sequence[str]):
        super().__init__()
        self._features = features

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return (
            batches
            | "Number" >> beam.Map(_numbered, self._features)
            | "Sample" >> beam.CombineGlobally(_Smallest())
        )


class WeighByDensity(beam.PTransform):
    """Weighs each row by how much likelier it is among the current rows than in its own span.

    The mean over the span is ``weight``, but for the error of its sample. With fewer than
    ``LEAST_ROWS`` rows on a side, or no column that trees can learn from, each row has ``weight``.

    Args:
      current: what ``SampleInputs`` gives of the current rows.
      features: by which rows are told apart, as of ``SampleInputs``.
    """

    def __init__(self, weight: float, current: beam.PCollection, features: Sequence[str]):
        super().__init__()
        self._weight, self._current, self._features = weight, current, features

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        ratios = (
            batches
            | "SampleEarlier" >> SampleInputs(self._features)
            | "Learn" >> beam.Map(_RowRatios.learned, beam.pvalue.AsSingleton(self._current))
        )
        return batches | "Weigh" >> beam.Map(
            _weighed_by, self._weight, self._features, beam.pvalue.AsSingleton(ratios)
        )


def weighed(batch: pa.RecordBatch, weights: float | np.ndarray) -> pa.RecordBatch:
    """The batch with ``weights``, one for all rows or one a row, as its last column."""
    offsets = pa.array(np.arange(batch.num_rows + 1), pa.int64())
    values = pa.array(np.broadcast_to(np.float32(weights), batch.num_rows))
    column = pa.LargeListArray.from_arrays(offsets, values)
    return pa.RecordBatch.from_arrays([*batch.columns, column], [*batch.schema.names, WEIGHT])


@dataclass(frozen=True)
class _RowRatios:
    """``mean``: of the ratios of the sampled earlier rows."""

    inputs: TreeInputs
    ratio: DensityRatio
    mean: float

    @staticmethod
    def learned(earlier: Sample, current: Sample) -> _RowRatios | None:
        """None where too little is known."""
        sizes = len(earlier[0]), len(current[0])
        if min(sizes) < LEAST_ROWS:
            return None
        rows = _joined([earlier[1], current[1]])
        inputs = TreeInputs.of(rows, rows.schema.names)
        if not inputs.columns:
            return None
        with one_thread():
            ratio = DensityRatio.fit(
                inputs.encode(rows),
                np.repeat([0, 1], sizes),
                _halves(np.concatenate([earlier[0], current[0]])),
                inputs.categorical,
            )
        return _RowRatios(inputs, ratio, float(ratio.scaled(ratio.logits[: sizes[0]]).mean()))

    def of(self, batch: pa.RecordBatch, numbers: np.ndarray) -> np.ndarray:
        with one_thread():
            return self.ratio.of(self.inputs.encode(batch), _halves(numbers)) / self.mean


def _weighed_by(
    batch: pa.RecordBatch, weight: float, features: Sequence[str], ratios: _RowRatios | None
) -> pa.RecordBatch:
    if ratios is None:
        return weighed(batch, weight)
    numbers, inputs = _numbered(batch, features)
    return weighed(batch, weight * ratios.of(inputs, numbers) if inputs.num_columns else weight)


class _Smallest(beam.CombineFn):
    """Of Samples the rows with the smallest numbers."""

    def create_accumulator(self) -> list[Sample]:
        return []

    def add_input(self, parts: list[Sample], part: Sample) -> list[Sample]:
        parts.append(_smallest([part]))
        held = sum(len(numbers) for numbers, _ in parts)
        return [_smallest(parts)] if held > 4 * SAMPLED_ROWS else parts

    def merge_accumulators(self, accumulators: Iterable[list[Sample]]) -> list[Sample]:
        return [part for parts in accumulators for part in parts]

    def compact(self, parts: list[Sample]) -> list[Sample]:
        return [_smallest(parts)] if parts else parts

    def extract_output(self, parts: list[Sample]) -> Sample:
        return _smallest(parts)


def _smallest(parts: Sequence[Sample]) -> Sample:
    numbers = np.concatenate([np.empty(0, np.uint64), *(numbers for numbers, _ in parts)])
    order = np.argsort(numbers, kind="stable")[:SAMPLED_ROWS]
    rows = _joined([batch for _, batch in parts])
    return numbers[order], RecordBatchTake(rows, pa.array(order))


def _numbered(batch: pa.RecordBatch, features: Sequence[str]) -> Sample:
    """Those of the columns ``features`` that there are, and each row's number by them and by what
    it is known by; no rows where there are none."""
    kept = [name for name in sorted(batch.schema.names) if name in features]
    known_by = [name for name in _KNOWN_BY if name in batch.schema.names and kept]
    columns = {name: batch.column(batch.schema.get_field_index(name)) for name in kept + known_by}
    rows = zip(*(column.to_pylist() for column in columns.values()), strict=True)
    digests = b"".join(hashlib.blake2b(repr(row).encode(), digest_size=8).digest() for row in rows)
    inputs = pa.RecordBatch.from_arrays([columns[name] for name in kept], kept)
    return np.frombuffer(digests, np.uint64), inputs


def _halves(numbers: np.ndarray) -> np.ndarray:
    return (numbers & np.uint64(1)).astype(int)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    columns = joined_columns(batches, lambda name: True)
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
