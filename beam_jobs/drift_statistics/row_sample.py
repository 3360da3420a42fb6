"""A uniform sample of rows that can be merged: the rows of lowest random priority.

Reference: Cohen, Kaplan, "Summarizing data using bottom-k sketches", 2007.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..list_columns import first_values, is_list
from .columns import joined_arrays

ENDS = 4
Part = tuple[np.ndarray, Mapping[str, pa.Array]]
"""Priorities of rows, and their columns."""


@dataclass
class RowSample:
    """``most`` rows at most; the same rows in the same batches give the same sample."""

    most: int
    parts: list[Part] = field(default_factory=list)
    limit: int = 1 << 63

    def add(self, columns: Mapping[str, pa.Array], rows: int) -> None:
        seed = zlib.crc32(repr((rows, _ends(columns, rows))).encode())
        priorities = np.random.Generator(np.random.PCG64(seed)).integers(0, 1 << 63, rows)
        self._keep(priorities, columns)

    def merge(self, other: RowSample) -> None:
        for priorities, columns in other.parts:
            self._keep(priorities, columns)

    def table(self) -> pa.Table:
        """The sample, flat where no row has more than one value; in the order of the priorities."""
        self._cut()
        names = list(dict.fromkeys(name for _, columns in self.parts for name in columns))
        order = np.argsort(np.concatenate([p for p, _ in self.parts] or [np.zeros(0)]))
        joined = {name: _flat(_joined(name, self.parts)) for name in names}
        return pa.table(joined).take(pa.array(order)) if names else pa.table({})

    def _keep(self, priorities: np.ndarray, columns: Mapping[str, pa.Array]) -> None:
        places = np.flatnonzero(priorities < self.limit)
        if len(places) > self.most:
            places = np.sort(places[np.argpartition(priorities[places], self.most)[: self.most]])
        if not len(places):
            return
        taken = {name: _taken(column, places) for name, column in columns.items()}
        self.parts.append((priorities[places], taken))
        if sum(len(part) for part, _ in self.parts) > 4 * self.most:
            self._cut()

    def _cut(self) -> None:
        every = np.concatenate([part for part, _ in self.parts] or [np.zeros(0, np.int64)])
        if len(every) <= self.most:
            return
        self.limit = int(np.partition(every, self.most)[self.most])
        parts, self.parts = self.parts, []
        for priorities, columns in parts:
            places = np.flatnonzero(priorities < self.limit)
            if len(places):
                kept = {name: _taken(column, places) for name, column in columns.items()}
                self.parts.append((priorities[places], kept))


def _taken(column: pa.Array, places: np.ndarray) -> pa.Array:
    taken = column.take(pa.array(places))
    return taken.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else taken


def _joined(name: str, parts: Sequence[Part]) -> pa.Array:
    return joined_arrays(
        [
            columns[name] if name in columns else pa.nulls(len(priorities))
            for priorities, columns in parts
        ]
    )


def _flat(column: pa.Array) -> pa.Array:
    if not is_list(column.type):
        return column
    lengths = column.value_lengths().fill_null(1).to_numpy(zero_copy_only=False)
    return first_values(column) if (lengths == 1).all() else column


def _ends(columns: Mapping[str, pa.Array], rows: int) -> list:
    places = [*range(min(rows, ENDS)), *range(max(rows - ENDS, 0), rows)]
    few = pa.array(places, pa.int64())
    return [(name, column.take(few).to_pylist()) for name, column in sorted(columns.items())]
