"""Statistics of rows that come batch by batch: added, merged, and written once at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa

from .columns import column_of, joined_columns
from .feature_counts import BatchSlices, FeatureCounts
from .groups import row_codes
from .row_sample import RowSample

BATCH_ROWS = 1 << 17
"""Rows are counted so many at a time: each count costs something, however few its rows."""
SAMPLED_ROWS = 10_000
MOST_SLICES = 1000

SliceKey = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes:
      slices: features to slice by; each inner tuple is one crossing.
      features: the columns to measure; None: every column. Those sliced by always are.
      ignore: patterns of columns that are not, unless they are in ``features``.
      codes: columns of numbers that are categories.
      sampled: further columns that the sample of rows has; None where none is taken.
    """

    slices: tuple[tuple[str, ...], ...] = ()
    features: frozenset[str] | None = None
    ignore: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    sampled: frozenset[str] | None = frozenset()

    def measures(self, name: str) -> bool:
        if any(name in crossing for crossing in self.slices):
            return True
        if self.features is not None:
            return name in self.features
        return not any(fnmatchcase(name, pattern) for pattern in self.ignore)

    def reads(self, name: str) -> bool:
        return self.measures(name) or name in (self.sampled or ())


@dataclass
class Accumulator:
    """Statistics so far; memory does not grow with the rows.

    A crossing with more than MOST_SLICES slices is in ``given_up``, and its slices count nothing.
    """

    plan: Plan
    rows: int = 0
    features: dict[str, FeatureCounts] = field(default_factory=dict)
    slices: dict[SliceKey, int] = field(default_factory=dict)
    slice_rows: list[int] = field(default_factory=list)
    given_up: set[tuple[str, ...]] = field(default_factory=set)
    sample: RowSample = field(default_factory=lambda: RowSample(SAMPLED_ROWS))
    waiting: list[pa.RecordBatch] = field(default_factory=list)

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds a batch of flat columns, or of lists as tfx-bsl reads tf.Examples."""
        self.waiting.append(batch)
        if sum(batch.num_rows for batch in self.waiting) >= BATCH_ROWS:
            self.count()

    def merge(self, other: Accumulator) -> None:
        """Adds another's rows."""
        self.count()
        other.count()
        self.rows += other.rows
        self.given_up |= other.given_up
        numbers = self._numbers(list(other.slices))
        self._add_slice_rows(numbers, other.slice_rows)
        for name, counts in other.features.items():
            mine = self.features.setdefault(name, FeatureCounts())
            mine.merge(name, counts, numbers, len(self.slices))
        self.sample.merge(other.sample)

    def count(self) -> None:
        """Counts the rows that wait."""
        rows = sum(batch.num_rows for batch in self.waiting)
        arrays = joined_columns(self.waiting, self.plan.reads) if rows else {}
        self.waiting = []
        columns = {n: column_of(array) for n, array in arrays.items() if self.plan.measures(n)}
        crossings = []
        for crossing in self.plan.slices:
            codes, values = row_codes(columns, crossing, rows)
            keys = [tuple(zip(crossing, texts, strict=True)) for texts in values]
            numbers = self._numbers(keys)
            self._add_slice_rows(numbers, np.bincount(codes + 1, minlength=len(keys) + 1)[1:])
            if crossing not in self.given_up:
                crossings.append((codes, numbers))
        slices = BatchSlices(crossings, len(self.slices), rows)
        for name, column in columns.items():
            counts = self.features.setdefault(name, FeatureCounts())
            counts.add(name, column, slices, name in self.plan.codes)
        if self.plan.sampled is not None:
            self.sample.add(arrays, rows)
        self.rows += rows

    def named_slices(self, min_group_rows: int) -> tuple[list[tuple[SliceKey, int]], int]:
        """Keys and numbers of the slices with so many rows, and how many others there are."""
        counted = [
            (key, number)
            for key, number in sorted(self.slices.items())
            if _crossing(key) not in self.given_up
        ]
        named = [each for each in counted if self.slice_rows[each[1]] >= min_group_rows]
        return named, len(counted) - len(named)

    def _numbers(self, keys: Sequence[SliceKey]) -> np.ndarray:
        """The slices' numbers among all; -1 for those of a crossing that is given up."""
        known = Counter(map(_crossing, self.slices))
        for key in keys:
            if key not in self.slices and _crossing(key) not in self.given_up:
                self.slices[key] = len(self.slices)
                self.slice_rows.append(0)
                known[_crossing(key)] += 1
        self.given_up |= {crossing for crossing, number in known.items() if number > MOST_SLICES}
        return np.array(
            [-1 if _crossing(key) in self.given_up else self.slices[key] for key in keys], np.int64
        )

    def _add_slice_rows(self, numbers: np.ndarray, rows: Sequence[int]) -> None:
        for number, more in zip(numbers, rows, strict=True):
            if number >= 0:
                self.slice_rows[number] += int(more)


def _crossing(key: SliceKey) -> tuple[str, ...]:
    return tuple(feature for feature, _ in key)
