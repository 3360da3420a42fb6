"""One pass over rows: from record batches to the statistics of every slice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import apache_beam as beam
import numpy as np
import pyarrow as pa

from .memberships import SliceSpec, memberships
from .quantities import Rows
from .slice_table import Needs, SliceStatistics, SliceTable

_BUFFERED_ROWS = 1 << 17


@dataclass(frozen=True)
class Columns:
    """Where rows are found in a record batch; see ``evaluation_rows.SelectRows``.

    Attributes:
      label: column of the labels.
      scores: model -> column of its scores.
      weight: column of the rows' weights.
    """

    label: str
    scores: Mapping[str, str]
    weight: str | None = None

    def rows(self, batch: pa.RecordBatch) -> Rows:
        return Rows(
            labels=_flat(batch.column(self.label)),
            scores={model: _scores(batch.column(name)) for model, name in self.scores.items()},
            weights=_flat(batch.column(self.weight)) if self.weight else None,
        )


def _scores(lists: pa.LargeListArray) -> np.ndarray:
    """Float64 [n], or [n, classes] where rows have several."""
    flat = _flat(lists)
    return flat if len(flat) == len(lists) else flat.reshape(len(lists), -1)


def _flat(lists: pa.LargeListArray) -> np.ndarray:
    return lists.flatten().to_numpy()


class Collector:
    """Buffers record batches, since statistics of many rows at once cost less."""

    def __init__(self, needs: Needs, slices: tuple[SliceSpec, ...], columns: Columns):
        self._slices, self._columns = slices, columns
        self._table = SliceTable(needs)
        self._waiting: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        if sum(waiting.num_rows for waiting in self._waiting) >= _BUFFERED_ROWS:
            self.flush()

    def merge(self, other: Collector) -> None:
        self._table.merge(other.flush())
        self._waiting += other._waiting

    def flush(self) -> SliceTable:
        """The table of all that was added."""
        alike: dict[str, list[pa.RecordBatch]] = {}
        for batch in self._waiting:
            alike.setdefault(str(batch.schema), []).append(batch)
        self._waiting = []
        for batches in alike.values():
            whole = pa.Table.from_batches(batches).combine_chunks().to_batches()
            for batch in whole:
                self._table.add(self._columns.rows(batch), memberships(batch, self._slices))
        return self._table

    def statistics(self) -> SliceStatistics:
        return self.flush().statistics()


class CollectStatistics(beam.CombineFn):
    """From record batches of ``evaluation_rows.SelectRows`` to SliceStatistics."""

    def __init__(self, needs: Needs, slices: tuple[SliceSpec, ...], columns: Columns):
        self._arguments = (needs, slices, columns)

    def create_accumulator(self) -> Collector:
        return Collector(*self._arguments)

    def add_input(self, accumulator: Collector, element: pa.RecordBatch) -> Collector:
        accumulator.add(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Collector]) -> Collector:
        first, *others = accumulators
        for other in others:
            first.merge(other)
        return first

    def compact(self, accumulator: Collector) -> Collector:
        accumulator.flush()
        return accumulator

    def extract_output(self, accumulator: Collector) -> SliceStatistics:
        return accumulator.statistics()
