"""The sufficient statistics of every slice, from one pass over batches of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .histograms import CellStore, Histogram, PairHistogram, SparseCells
from .memberships import Membership, SliceKey
from .quantities import Rows
from .sums import Sum

AnyHistogram = Histogram | PairHistogram


@dataclass(frozen=True)
class Needs:
    """What metrics need to know of a slice."""

    sums: frozenset[Sum] = frozenset()
    histograms: frozenset[AnyHistogram] = frozenset()

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.sums | other.sums, self.histograms | other.histograms)


@dataclass(frozen=True)
class SliceStatistics:
    """What is known of each slice; number i of every array is ``keys[i]``.

    ``derived`` keeps what several metrics make of the rest.
    """

    keys: list[SliceKey]
    rows: np.ndarray
    sums: dict[Sum, np.ndarray]
    histograms: dict[AnyHistogram, SparseCells]
    derived: dict[Any, Any] = field(default_factory=dict, repr=False)


class SliceTable:
    """Sums statistics up over batches; memory grows with slices, not with rows."""

    def __init__(self, needs: Needs):
        self._sums = sorted(needs.sums)
        self._numbers: dict[SliceKey, int] = {}
        self._rows = np.zeros(0, np.int64)
        self._totals = np.zeros((0, len(self._sums)))
        self._histograms = {h: CellStore(h.size, h.width) for h in needs.histograms}

    def add(self, rows: Rows, memberships: Iterable[Membership]) -> None:
        """Adds a batch of rows, each to the slices that it lies in."""
        made: dict[Sum, np.ndarray] = {}
        summands = [wanted.of_rows(rows, made) for wanted in self._sums]
        cells = {histogram: list(histogram.cells(rows)) for histogram in self._histograms}
        for membership in memberships:
            numbers = self._numbered(membership.keys)
            codes, n = membership.codes, len(membership.keys)
            self._rows[numbers] += np.bincount(codes, minlength=n)
            for i, values in enumerate(summands):
                weights = membership.take(values)
                self._totals[numbers, i] += (
                    weights.sum() if n == 1 else np.bincount(codes, weights, minlength=n)
                )
            for histogram, store in self._histograms.items():
                for part in cells[histogram]:
                    store.add(membership, numbers, part)

    def merge(self, other: SliceTable) -> None:
        numbers = self._numbered(other._numbers)
        self._rows[numbers] += other._rows[: len(numbers)]
        self._totals[numbers] += other._totals[: len(numbers)]
        for histogram, store in self._histograms.items():
            store.merge(other._histograms[histogram], numbers)

    def statistics(self) -> SliceStatistics:
        n = len(self._numbers)
        return SliceStatistics(
            keys=list(self._numbers),
            rows=self._rows[:n],
            sums={wanted: self._totals[:n, i] for i, wanted in enumerate(self._sums)},
            histograms={h: store.cells() for h, store in self._histograms.items()},
        )

    def _numbered(self, keys: Iterable[SliceKey]) -> np.ndarray:
        """The numbers of ``keys``, new ones for those not seen before."""
        known = self._numbers
        numbers = np.array([known.setdefault(key, len(known)) for key in keys], np.int64)
        if (missing := len(known) - len(self._rows)) > 0:
            more = max(missing, len(self._rows) // 2)
            self._rows = np.concatenate([self._rows, np.zeros(more, np.int64)])
            self._totals = np.concatenate([self._totals, np.zeros((more, len(self._sums)))])
        return numbers
