"""What values distances take by chance alone: one law for each distance, many tests at once.

``p_values(values)``: the chance of at least such values without any drift, [tests].
``quantiles(level)``: the values that chance exceeds with probability ``level``, [tests]; one level
for all, or [tests].
``between``: the share of the variance that is span-to-span variation and not sampling, [tests].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special, stats

from .hypergeometric import both_tails

_STEPS, _ROUNDING, _MANY = 40, 1e-6, 1e5


Level = float | np.ndarray


class Null(Protocol):
    between: np.ndarray

    def p_values(self, values: np.ndarray) -> np.ndarray: ...

    def quantiles(self, level: Level) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class StudentNull:
    """Absolute differences of means; normal where ``degrees`` are infinite."""

    deviation: np.ndarray
    degrees: np.ndarray
    between: np.ndarray

    def p_values(self, values: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = np.nan_to_num(values / self.deviation, nan=0.0)
        return two_sided(scaled, self.degrees)

    def quantiles(self, level: Level) -> np.ndarray:
        return self.deviation * -stats.t.ppf(level / 2, self.degrees)


@dataclass(frozen=True, eq=False)
class GammaNull:
    """Sums of squares: gamma by mean and variance; where the mean was itself estimated from few
    spans, Fisher's F with so many ``degrees`` in its denominator."""

    mean: np.ndarray
    variance: np.ndarray
    degrees: np.ndarray
    between: np.ndarray

    def p_values(self, values: np.ndarray) -> np.ndarray:
        ratio = values / np.maximum(self.mean, 1e-300)
        own = self._own
        known = self.degrees > _MANY
        tails = stats.gamma.sf(ratio, own / 2, scale=2 / own)
        tails[~known] = stats.f.sf(ratio[~known], own[~known], self.degrees[~known])
        return np.where(values > self.mean * (1 + _ROUNDING), tails, np.maximum(tails, 0.5))

    def quantiles(self, level: Level) -> np.ndarray:
        own = self._own
        known, level = self.degrees > _MANY, np.broadcast_to(level, own.shape)
        ratio = stats.gamma.isf(level, own / 2, scale=2 / own)
        ratio[~known] = stats.f.isf(level[~known], own[~known], self.degrees[~known])
        return np.maximum(ratio, 1 + _ROUNDING) * self.mean

    @property
    def _own(self) -> np.ndarray:
        return np.maximum(2 * self.mean**2 / np.maximum(self.variance, 1e-300), 1e-3)


@dataclass(frozen=True, eq=False)
class LargestNull:
    """The largest difference of a cell's shares: the sum of all cells' chances bounds its own.

    Attributes:
      n, m: rows of both sides, [tests].
      cells: counts of both sides together, [tests, cells], the largest first.
      weights: how many cells each stands for, [tests, cells].
      shrink: by how much span-to-span variation widens a cell's law, [tests, cells], <= 1.
      degrees: of Student's law that stands for such a cell, [tests, cells].
    """

    n: np.ndarray
    m: np.ndarray
    cells: np.ndarray
    weights: np.ndarray
    shrink: np.ndarray
    degrees: np.ndarray
    between: np.ndarray

    def p_values(self, values: np.ndarray) -> np.ndarray:
        total = (self.n + self.m)[:, None]
        rows = (values * self.n * self.m / (self.n + self.m))[:, None] * self.shrink
        tails = both_tails(rows - 1e-9 * total, total, self.cells, self.m[:, None])
        wide = np.isfinite(self.degrees)
        tails[wide] = two_sided(-special.ndtri(tails[wide] / 2), self.degrees[wide])
        return np.minimum((tails * self.weights).sum(axis=1), 1.0)

    def quantiles(self, level: Level) -> np.ndarray:
        low, high = np.zeros(len(self.n)), np.full(len(self.n), 1.0)
        for _ in range(_STEPS):
            middle = (low + high) / 2
            above = self.p_values(middle) > level
            low, high = np.where(above, middle, low), np.where(above, high, middle)
            if (high - low <= 1e-4 * high).all():
                break
        return high


def two_sided(scaled: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    return np.where(
        np.isinf(degrees), 2 * special.ndtr(-scaled), 2 * special.stdtr(degrees, -scaled)
    )
