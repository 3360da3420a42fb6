"""Numbers counted in a grid, group by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .grid import MOST_BINS, Grid, coarser, levels_to_drop, ordered
from .groups import Order

_TABLE = 1 << 18
_SAMPLE = 4096
_MOST_CELLS = 1 << 18
_FEWEST_BINS = 64


@dataclass(frozen=True, eq=False)
class NumberCounts:
    """Of each group the values' counts, shape [groups, bins], and what TFDV tells besides.

    ``squares``: sum of the squared deviations from the mean. Where a group has no values,
    ``least`` is inf and ``most`` is -inf.
    """

    level: int
    keys: np.ndarray
    counts: np.ndarray
    nan: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    least: np.ndarray
    most: np.ndarray

    @property
    def groups(self) -> int:
        return len(self.counts)

    @cached_property
    def totals(self) -> np.ndarray:
        """The groups' numbers of values that are not NaN."""
        return self.counts.sum(axis=1)

    def total(self, group: int) -> int:
        """The group's number of values, NaN included."""
        return int(self.totals[group] + self.nan[group]) if group < self.groups else 0

    def of(self, groups: np.ndarray) -> NumberCounts:
        names = ("counts", "nan", "mean", "squares", "least", "most")
        return replace(self, **{name: getattr(self, name)[groups] for name in names})

    def grid(self, group: int, most_bins: int) -> Grid:
        row = self.counts[group]
        used = np.flatnonzero(row)
        grid = Grid(self.level, self.keys[used], row[used], int(self.nan[group]))
        return grid.at_most(most_bins)

    def zeros(self, group: int) -> int:
        """How many values are 0, or closer to it than 1e-300."""
        return int(self.counts[group][self.keys == 0].sum())


@dataclass(eq=False)
class Numbers:
    """Values of a batch, without NaN, ready to be counted; ``level``: at least."""

    values: np.ndarray
    level: int = 0

    @cached_property
    def binned(self) -> tuple[int, np.ndarray, np.ndarray, np.ndarray]:
        """Level and keys of the bins, counts by bin, and of each value the place of its bin."""
        bits = ordered(self.values)
        level = self.level
        if len(bits) > _SAMPLE:
            some = np.unique(bits[:: len(bits) // _SAMPLE] >> level)
            level += levels_to_drop(some, MOST_BINS)
        keys, counts, at = _distinct(bits >> level)
        more = levels_to_drop(keys, MOST_BINS)
        if more:
            fine = keys >> more
            keys, counts = coarser(keys, counts, more)
            at = np.searchsorted(keys, fine)[at]
        return level + more, keys, counts, at

    def whole(self, nan: int = 0) -> NumberCounts:
        """One group of all values."""
        level, keys, counts, _ = self.binned
        values = self.values
        with np.errstate(invalid="ignore", over="ignore"):
            mean = values.mean() if len(values) else 0.0
            apart = values - mean
            squares = (apart * apart).sum()
        ends = values.min(initial=np.inf), values.max(initial=-np.inf)
        parts = (np.array([part]) for part in (nan, mean, squares, *ends))
        return NumberCounts(level, keys, counts[None], *parts)

    def by_group(self, order: Order) -> NumberCounts:
        """A group for each of ``order``, which has at least one."""
        level, keys, _, at = self.binned
        values, starts = self.values[order.places], order.starts
        with np.errstate(invalid="ignore", over="ignore"):
            mean = np.add.reduceat(values, starts) / order.sizes
            apart = values - order.repeated(mean)
            squares = np.add.reduceat(apart * apart, starts)
        return NumberCounts(
            level,
            keys,
            order.tally(at, len(keys)),
            np.zeros(len(starts), np.int64),
            mean,
            squares,
            np.minimum.reduceat(values, starts),
            np.maximum.reduceat(values, starts),
        )


def constant(value: float, counts: np.ndarray) -> NumberCounts:
    """One value, so many times by group."""
    none = np.zeros(len(counts))
    has = counts > 0
    return NumberCounts(
        0,
        ordered(np.array([float(value)]))[: int(has.any())],
        counts[:, None].astype(np.int64)[:, : int(has.any())],
        none.astype(np.int64),
        np.where(has, value, 0.0),
        none,
        np.where(has, value, np.inf),
        np.where(has, value, -np.inf),
    )


def only_nan(counts: np.ndarray) -> NumberCounts:
    """So many values by group, none of them a number."""
    numbers = constant(0, np.zeros(len(counts), np.int64))
    return replace(numbers, nan=counts.astype(np.int64))


def merged(parts: Sequence[tuple[NumberCounts, np.ndarray]], groups: int) -> NumberCounts:
    """The counts of several parts together.

    Args:
      parts: counts, and which group of the result each of their groups is; none comes twice.
    """
    level = max(part.level for part, _ in parts)
    coarse = [coarser(part.keys, part.counts, level - part.level) for part, _ in parts]
    keys = coarse[0][0]
    for found, _ in coarse[1:]:
        if not np.array_equal(keys, found):
            keys = np.union1d(keys, found)
    counts = np.zeros((groups, len(keys)), np.int64)
    for (found, sums), (_, rows) in zip(coarse, parts, strict=True):
        if len(found) == len(keys):
            counts[rows] += sums
        else:
            counts[rows[:, None], np.searchsorted(keys, found)] += sums
    nan = np.zeros(groups, np.int64)
    totals, mean, squares = np.zeros((3, groups))
    least, most = np.full(groups, np.inf), np.full(groups, -np.inf)
    for part, rows in parts:
        nan[rows] += part.nan
        least[rows] = np.minimum(least[rows], part.least)
        most[rows] = np.maximum(most[rows], part.most)
        before = totals[rows], mean[rows], squares[rows]
        totals[rows], mean[rows], squares[rows] = _moments(
            before, (part.totals, part.mean, part.squares)
        )
    most_bins = int(np.clip(_MOST_CELLS // max(groups, 1), _FEWEST_BINS, MOST_BINS))
    dropped = levels_to_drop(keys, most_bins)
    keys, counts = coarser(keys, counts, dropped)
    return NumberCounts(level + dropped, keys, counts, nan, mean, squares, least, most)


Moments = tuple[np.ndarray, np.ndarray, np.ndarray]


def _moments(one: Moments, other: Moments) -> Moments:
    """Numbers, means and squared deviations of two samples together.

    Reference: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for computing
    sample variances", 1979.
    """
    total = one[0] + other[0]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = other[0] / total
        apart = other[1] - one[1]
        mean = one[1] + apart * share
        squares = one[2] + other[2] + apart * apart * one[0] * share
    for empty, full in ((one[0] == 0, other), (other[0] == 0, one)):
        mean, squares = np.where(empty, full[1], mean), np.where(empty, full[2], squares)
    return total, mean, squares


def _distinct(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct keys, ascending, their counts, and of each key its place among them."""
    if not len(keys):
        return keys, np.zeros(0, np.int64), keys
    low = int(keys.min())
    spread = int(keys.max()) - low
    if spread < _TABLE:
        return _from_table(keys, low)
    shift = spread.bit_length() - 16
    coarse = (keys >> shift) - (low >> shift)
    cells = np.flatnonzero(np.bincount(coarse))
    if len(cells) << shift <= _TABLE:
        place = np.zeros(cells[-1] + 1, np.int64)
        place[cells] = np.arange(len(cells)) << shift
        found, counts, at = _from_table(place[coarse] | (keys & ((1 << shift) - 1)), 0)
        inside = found & ((1 << shift) - 1)
        return ((cells[found >> shift] + (low >> shift)) << shift) | inside, counts, at
    distinct, at, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return distinct, counts, at


def _from_table(keys: np.ndarray, low: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    near = keys - low
    table = np.bincount(near)
    used = np.flatnonzero(table)
    place = np.empty(len(table), np.int64)
    place[used] = np.arange(len(used))
    return used + low, table[used], place[near]
