"""Histograms of scores by label, per slice: as fine as TFMA's, small where a slice is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .memberships import Membership
from .quantities import Rows, View

BUCKETS = 10_000
CELLS = 2 * (BUCKETS + 2)
"""Cell ``2 * bucket + label``; the first and last bucket hold scores below 0 and from 1 on."""
COARSE_BUCKETS = 256
"""Of scores in pairs: equally wide in the logit."""
_centres = np.clip((np.arange(BUCKETS + 2) - 0.5) / BUCKETS, 0.5 / BUCKETS, 1 - 0.5 / BUCKETS)
_logits = np.log(_centres / (1 - _centres))
COARSE = np.minimum(
    ((_logits / _logits.max() + 1) / 2 * COARSE_BUCKETS).astype(np.int64), COARSE_BUCKETS - 1
)
"""Bucket -> coarse bucket."""
Cells = tuple[np.ndarray, "np.ndarray | None"]
"""Cells of rows, int64 [n], and what to add there [n, width]; None: 1 each."""
_LARGEST_DENSE = 1 << 22
_DENSE_CELLS_A_ROW = 64
_PENDING = 1 << 20
_Sums = tuple[np.ndarray, np.ndarray]  # slice * size + cell, sorted; masses


@dataclass(frozen=True, order=True)
class Histogram:
    """A histogram of the scores of a view; ``weighted``: of weights and of their squares."""

    view: View
    weighted: bool

    @property
    def width(self) -> int:
        return 2 if self.weighted else 1

    @property
    def size(self) -> int:
        return CELLS

    def cells(self, rows: Rows) -> Iterator[Cells]:
        labels, scores = rows.of(self.view)
        yield from by_label(bucket(scores), labels, rows.weights if self.weighted else None)


@dataclass(frozen=True, order=True)
class PairHistogram:
    """A coarse histogram of the scores of two views of the same rows, together."""

    first: View
    second: View
    weighted: bool

    @property
    def width(self) -> int:
        return 2 if self.weighted else 1

    @property
    def size(self) -> int:
        return 2 * COARSE_BUCKETS**2

    def cells(self, rows: Rows) -> Iterator[Cells]:
        labels, scores = rows.of(self.first)
        _, others = rows.of(self.second)
        pair = COARSE[bucket(scores)] * COARSE_BUCKETS + COARSE[bucket(others)]
        yield from by_label(pair, labels, rows.weights if self.weighted else None)


def bucket(scores: np.ndarray) -> np.ndarray:
    """TFMA's bucket of each score, int64 in [0, BUCKETS + 1]."""
    return np.clip(np.floor(scores * BUCKETS + 1), 0, BUCKETS + 1).astype(np.int64)


def by_label(places: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> Iterator[Cells]:
    """Cells ``2 * place + label``, of rows that weigh their weight and its square.

    A label between 0 and 1 counts for both, in parts, as in TFMA.
    """
    masses = None if weights is None else np.column_stack([weights, weights**2])
    if ((labels == 0) | (labels == 1)).all():
        yield 2 * places + labels.astype(np.int64), masses
        return
    masses = np.ones((len(labels), 1)) if masses is None else masses
    for label, share in ((0, 1 - labels), (1, labels)):
        yield 2 * places + label, masses * share[:, None]


@dataclass(frozen=True)
class SparseCells:
    """The cells that hold something, sorted by slice.

    Attributes:
      slices, cells: int64 [m].
      masses: float64 [m, width].
    """

    slices: np.ndarray
    cells: np.ndarray
    masses: np.ndarray


class CellStore:
    """Sums cells; where a crossing has few slices in full arrays, else in sorted lists."""

    def __init__(self, size: int, width: int):
        self._size, self._width = size, width
        self._dense = np.zeros((0, size * width))
        self._dense_rows: dict[int, int] = {}
        self._sparse: list[_Sums] = []
        self._pending = 0

    def add(self, membership: Membership, slices: np.ndarray, cells: Cells) -> None:
        """Adds a batch; ``slices`` are the numbers of the membership's keys."""
        places, masses = cells
        n, places = len(membership.keys), membership.take(places)
        masses = None if masses is None else membership.take(masses)
        full = n * self._size
        if full <= _LARGEST_DENSE and full <= _DENSE_CELLS_A_ROW * len(places):
            codes = membership.codes * self._size + places
            sums = [
                np.bincount(codes, weights=weights, minlength=full)
                for weights in ([None] if masses is None else masses.T)
            ]
            rows = self._rows(slices)
            self._dense[rows] += np.stack(sums, axis=1).reshape(n, -1)
        else:
            codes = slices[membership.codes] * self._size + places
            self._append(summed(codes, np.ones((len(codes), 1)) if masses is None else masses))

    def merge(self, other: CellStore, slices: np.ndarray) -> None:
        """Adds another store, whose slice ``i`` is this one's ``slices[i]``."""
        if other._dense_rows:
            theirs = np.fromiter(other._dense_rows.values(), np.int64)
            rows = self._rows(slices[np.fromiter(other._dense_rows, np.int64)])
            self._dense[rows] += other._dense[theirs]
        for codes, masses in other._sparse:
            owner, cell = np.divmod(codes, self._size)
            self._append(summed(slices[owner] * self._size + cell, masses))

    def cells(self) -> SparseCells:
        """Everything."""
        parts = list(self._sparse)
        for number, row in self._dense_rows.items():
            full = self._dense[row].reshape(self._size, self._width)
            cell = np.flatnonzero(full[:, 0])
            parts.append((number * self._size + cell, full[cell]))
        codes, masses = _joined(parts, self._width)
        return SparseCells(*np.divmod(codes, self._size), masses)

    def _rows(self, slices: np.ndarray) -> np.ndarray:
        """The rows of the full array that hold ``slices``, new ones where there are none."""
        known = self._dense_rows
        rows = [known.setdefault(number, len(known)) for number in slices.tolist()]
        if (missing := len(known) - len(self._dense)) > 0:
            grown = np.zeros((max(missing, len(self._dense) // 4), self._dense.shape[1]))
            self._dense = np.concatenate([self._dense, grown])
        return np.array(rows, np.int64)

    def _append(self, part: _Sums) -> None:
        self._sparse.append(part)
        self._pending += len(part[0])
        if self._pending > max(_PENDING, 2 * len(self._sparse[0][0])):
            self._sparse = [_joined(self._sparse, self._width)]
            self._pending = 0


def _joined(parts: list[_Sums], width: int) -> _Sums:
    if not parts:
        return np.empty(0, np.int64), np.empty((0, width))
    codes, masses = zip(*parts, strict=True)
    return summed(np.concatenate(codes), np.concatenate(masses))


def summed(codes: np.ndarray, masses: np.ndarray) -> _Sums:
    """Each code once, sorted, with the sum of its masses."""
    if not len(codes):
        return codes, masses
    if not (codes[1:] > codes[:-1]).all():
        order = np.argsort(codes, kind="stable")
        codes, masses = codes[order], masses[order]
    starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    return codes[starts], np.add.reduceat(masses, starts, axis=0)
