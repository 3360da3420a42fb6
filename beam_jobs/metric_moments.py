"""Second moments of row quantities per slice: all that intervals of metrics need.

A metric that averages over rows, or divides one such average by another, is a ratio of sums of
row quantities (``evaluation_config.Metric``). Its variance, and that of the difference of two
models on the same rows, follows from the Gram matrix ``X'X`` of these quantities, which adds up
over batches: one small matrix a slice, however many rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa

from .evaluation_config import EvaluationConfig, Task

SliceKey = tuple[tuple[str, "str | int | float"], ...]
_SHARED = ("rows", "label")
_PER_MODEL: dict[Task, tuple[str, ...]] = {
    "binary_classification": (
        "prediction",
        "log_loss",
        "squared_error",
        "correct",
        "predicted_positive",
        "true_positive",
    ),
    "regression": ("prediction", "squared_error", "absolute_error"),
}


@dataclass(frozen=True)
class Layout:
    """The columns of X: ``rows`` (always 1), ``label``, then the quantities of each model."""

    task: Task
    models: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(_SHARED) + len(self.models) * len(_PER_MODEL[self.task])

    def column(self, model: str, quantity: str) -> int:
        if quantity in _SHARED:
            return _SHARED.index(quantity)
        own = _PER_MODEL[self.task]
        return len(_SHARED) + self.models.index(model) * len(own) + own.index(quantity)


class SliceMoments(beam.PTransform):
    """From record batches of ``SelectRows`` to (slice key, Gram matrix [k, k]) pairs.

    The key is TFMA's: (feature, value) pairs sorted by feature, () for the whole.
    """

    def __init__(self, config: EvaluationConfig, layout: Layout, columns: Sequence[str]):
        """``columns``: the models' prediction columns, in the layout's order."""
        super().__init__()
        self._arguments = (config, layout, tuple(columns))

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return (
            batches
            | "Multiply" >> beam.FlatMap(batch_moments, *self._arguments)
            | "Sum" >> beam.CombinePerKey(SumArrays())
        )


class SumArrays(beam.CombineFn):
    """Sums numpy arrays of one shape."""

    def create_accumulator(self) -> np.ndarray | float:
        return 0.0

    def add_input(self, accumulator: np.ndarray | float, element: np.ndarray) -> np.ndarray:
        return accumulator + element

    def merge_accumulators(self, accumulators: Iterable[np.ndarray | float]) -> np.ndarray | float:
        return sum(accumulators)

    def extract_output(self, accumulator: np.ndarray | float) -> np.ndarray | float:
        return accumulator


def batch_moments(
    batch: pa.RecordBatch, config: EvaluationConfig, layout: Layout, columns: Sequence[str]
) -> Iterator[tuple[SliceKey, np.ndarray]]:
    """The Gram matrices of one batch: the whole and every slice that occurs in it."""
    quantities = row_quantities(batch, config, layout, columns)
    yield (), quantities.T @ quantities
    for features in config.slices:
        for key, rows in slice_rows(batch, features):
            part = quantities[rows]
            yield key, part.T @ part


def row_quantities(
    batch: pa.RecordBatch, config: EvaluationConfig, layout: Layout, columns: Sequence[str]
) -> np.ndarray:
    """X [n, k] of a batch."""
    label = batch.column(config.label).flatten().to_numpy()
    parts = [np.ones(len(label)), label]
    for column in columns:
        prediction = batch.column(column).flatten().to_numpy()
        of_model = _quantities(config, label, prediction)
        parts += [of_model[name] for name in _PER_MODEL[layout.task]]
    return np.column_stack(parts)


def _quantities(
    config: EvaluationConfig, label: np.ndarray, prediction: np.ndarray
) -> dict[str, np.ndarray]:
    error = prediction - label
    quantities = {"prediction": prediction, "squared_error": error**2}
    if config.task == "regression":
        return quantities | {"absolute_error": np.abs(error)}
    positive = prediction > config.threshold
    return quantities | {
        "log_loss": -np.where(label == 1, np.log(prediction), np.log1p(-prediction)),
        "correct": (positive == label).astype(float),
        "predicted_positive": positive.astype(float),
        "true_positive": positive * label,
    }


def slice_rows(
    batch: pa.RecordBatch, features: Sequence[str]
) -> Iterator[tuple[SliceKey, np.ndarray]]:
    """The slices of a batch by ``features`` crossed, each with its rows.

    A row with several values of a feature lies in several slices, once in each; a row without
    a value in none.
    """
    rows = np.arange(batch.num_rows)
    codes = np.zeros(batch.num_rows, np.int64)
    keys: list[SliceKey] = [()]
    for feature in sorted(features):
        if feature not in batch.schema.names:
            return
        parents, value_codes, values = _encode(batch.column(feature))
        first = np.searchsorted(parents, rows, "left")
        repeats = np.searchsorted(parents, rows, "right") - first
        starts = np.cumsum(repeats) - repeats
        matches = np.arange(repeats.sum()) + np.repeat(first - starts, repeats)
        rows = np.repeat(rows, repeats)
        crossed = np.repeat(codes, repeats) * len(values) + value_codes[matches]
        present, codes = np.unique(crossed, return_inverse=True)
        pairs = [divmod(int(code), len(values)) for code in present]
        keys = [(*keys[before], (feature, values[value])) for before, value in pairs]
    if not keys:
        return
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(keys)))
    yield from zip(keys, np.split(rows[order], ends[:-1]), strict=True)


def _encode(lists: pa.LargeListArray) -> tuple[np.ndarray, np.ndarray, list[str | int | float]]:
    """(row, value code) pairs, distinct and sorted by row, and the values behind the codes."""
    parents = np.repeat(np.arange(len(lists)), lists.value_lengths().to_numpy())
    encoded = lists.flatten().dictionary_encode()
    values = [
        value.decode() if isinstance(value, bytes) else value
        for value in encoded.dictionary.to_pylist()
    ]
    pairs = np.unique(parents * len(values) + encoded.indices.to_numpy())
    return *np.divmod(pairs, len(values)), values
