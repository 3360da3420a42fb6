"""Counts of numbers in bins whose edges are the same in every column, slice and span.

A float64 read as an integer (with the lower bits of negative ones flipped) keeps its order. That
integer without its lowest ``level`` bits is the key of the value's bin. So each level cuts the
real line into the same bins everywhere, finer by half on the next level down; counts of two
populations can be brought to the coarser of their levels exactly. Bins are narrow where numbers
are small: each factor of two is cut into as many bins as the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_BINS = 1024
MOST_SLICE_BINS = 256
_ALL_BUT_SIGN = np.int64(0x7FFF_FFFF_FFFF_FFFF)


@dataclass(frozen=True, eq=False)
class Grid:
    """How many values fall into which bin, for the bins that hold any.

    Attributes:
      level: bits that a bin leaves open; at 0 each float64 is a bin of its own.
      keys: int64, ascending, of the bins.
      counts: values by bin.
      nan: values that are not a number, in no bin.
      resolution: share of the values that may lie in a neighbouring bin in truth; 0 for counted
        values.
    """

    level: int
    keys: np.ndarray
    counts: np.ndarray
    nan: float = 0
    resolution: float = 0.0

    @classmethod
    def of(cls, values: np.ndarray, most_bins: int = MOST_BINS) -> Grid:
        """The values' grid at the finest level at which they need no more than ``most_bins``.

        Integers beyond 2**53 are rounded to a float64. -0.0 counts as 0.0.
        """
        values = np.asarray(values, np.float64)
        keys, counts = np.unique(ordered(values[~np.isnan(values)]), return_counts=True)
        return cls(0, keys, counts, int(np.isnan(values).sum())).at_most(most_bins)

    @property
    def total(self) -> float:
        """How many values the bins hold."""
        return self.counts.sum()

    @property
    def lower(self) -> np.ndarray:
        """The smallest value of each bin."""
        return edges(self.keys, self.level)

    @property
    def upper(self) -> np.ndarray:
        """The smallest value above each bin; inf for a bin that holds it."""
        return edges(self.keys + 1, self.level)

    def at_level(self, level: int) -> Grid:
        """The same values in the bins of a coarser (or the same) level."""
        if level == self.level:
            return self
        keys, counts = coarser(self.keys, self.counts, level - self.level)
        return Grid(level, keys, counts, self.nan, self.resolution)

    def at_most(self, bins: int) -> Grid:
        """The same values at the finest level (from here) that needs at most so many bins."""
        return self.at_level(self.level + levels_to_drop(self.keys, bins))

    def quantiles(self, shares: np.ndarray) -> np.ndarray:
        """The values below which such shares of all lie, a bin's values taken as spread evenly.

        Raises:
          ValueError: where the grid holds no value.
        """
        if not len(self.keys):
            raise ValueError("an empty grid has no quantiles")
        wanted = np.asarray(shares) * self.total
        before = np.cumsum(self.counts) - self.counts
        at = np.clip(np.searchsorted(before, wanted, side="right") - 1, 0, None)
        inside = np.clip((wanted - before[at]) / self.counts[at], 0, 1)
        low, high = self.lower[at], np.nextafter(self.upper[at], -np.inf)
        with np.errstate(invalid="ignore", over="ignore"):
            between = low * (1 - inside) + high * inside
        return np.where(np.isfinite(between), between, low)

    def below(self, cuts: np.ndarray) -> np.ndarray:
        """How many values lie below each of ``cuts``, a bin's values taken as spread evenly."""
        lower, upper = self.lower, self.upper
        at = np.searchsorted(lower, cuts, side="right") - 1
        counts, at = np.append(self.counts, 0), np.where(at < 0, len(self.keys), at)
        before = np.append(np.cumsum(self.counts) - self.counts, 0)
        lower, upper = np.append(lower, -np.inf), np.append(upper, np.inf)
        with np.errstate(invalid="ignore", over="ignore"):
            inside = (cuts - lower[at]) / (upper[at] - lower[at])
        return before[at] + counts[at] * np.clip(np.nan_to_num(inside), 0, 1)


def merged(grids: Sequence[Grid], most_bins: int = MOST_BINS) -> Grid:
    """All values of several grids, at most ``most_bins`` bins; at least one grid."""
    level, keys, counts = on_common_bins(grids)
    total = sum(max(grid.total, 1) for grid in grids)
    resolution = sum(grid.resolution * max(grid.total, 1) for grid in grids) / total
    nan = sum(grid.nan for grid in grids)
    return Grid(level, keys, counts.sum(axis=0), nan, resolution).at_most(most_bins)


def on_common_bins(grids: Sequence[Grid]) -> tuple[int, np.ndarray, np.ndarray]:
    """The grids in the same bins, exactly.

    Returns:
      Level and keys of the bins that any of them fills, and counts of shape [grids, bins].
    """
    level = max(grid.level for grid in grids)
    grids = [grid.at_level(level) for grid in grids]
    keys = np.unique(np.concatenate([grid.keys for grid in grids]))
    counts = np.zeros((len(grids), len(keys)), np.result_type(*(g.counts.dtype for g in grids)))
    for row, grid in zip(counts, grids, strict=True):
        row[np.searchsorted(keys, grid.keys)] = grid.counts
    return level, keys, counts


def coarser(keys: np.ndarray, counts: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending keys so many levels up, and the sums of ``counts`` of shape [..., keys]."""
    if not levels or not len(keys):
        return keys, counts
    keys = keys >> levels
    first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    return keys[first], np.add.reduceat(counts, first, axis=-1)


def ordered(values: np.ndarray) -> np.ndarray:
    """float64 without NaN as int64 of the same order; 0.0 and -0.0 are 0."""
    bits = (values + 0.0).view(np.int64)
    return bits ^ ((bits >> 63) & _ALL_BUT_SIGN)


def edges(keys: np.ndarray, level: int) -> np.ndarray:
    """The smallest float64 of the bins ``keys``; -inf and inf beyond them."""
    least, most = ordered(np.array([-np.inf, np.inf]))
    bits = np.clip(keys, least >> level, (most >> level) + 1) << level
    bits = np.clip(np.where((keys > 0) & (bits < 0), most, bits), least, most)
    return (bits ^ ((bits >> 63) & _ALL_BUT_SIGN)).view(np.float64)


def levels_to_drop(keys: np.ndarray, bins: int) -> int:
    """By how many levels ascending distinct ``keys`` must be coarsened to be at most ``bins``.

    Two neighbours share a bin as soon as the bits in which they differ are dropped.
    """
    if len(keys) <= bins:
        return 0
    differing = _bit_lengths((keys[1:] ^ keys[:-1]).view(np.uint64))
    return int(np.partition(differing, len(differing) - bins)[len(differing) - bins])


def _bit_lengths(values: np.ndarray) -> np.ndarray:
    high, low = values >> np.uint64(32), values & np.uint64(0xFFFF_FFFF)
    halves = [np.frexp(half.astype(np.float64))[1] for half in (high, low)]
    return np.where(high > 0, halves[0] + 32, halves[1])
