"""From which value on a distance is drift, and how likely chance alone reaches it.

A distance between two finite samples of one distribution is never zero. Its threshold here is
the largest of a practical floor (smaller differences do not matter), what histograms too coarse
to tell can be wrong by, and the noise quantile: the value that chance exceeds with probability
``alpha / comparisons`` (Bonferroni), so that a report on data without drift raises any alarm
with probability ``alpha`` at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import special, stats


class Noise(Protocol):
    """How a distance behaves when both samples come from one distribution.

    ``bias``: how far from zero the statistics' coarseness alone can put it.
    """

    n_baseline: int
    n_current: int

    @property
    def bias(self) -> float: ...

    def false_alarm_rate(self, value: float) -> float:
        """The probability that chance alone reaches ``value``."""

    def quantile(self, probability: float) -> float:
        """The value that chance alone exceeds with ``probability``."""


@dataclass(frozen=True)
class DivergenceNoise:
    """Jensen-Shannon divergence in bits, over bins.

    With k bins that hold anything it tends to chi2(k - 1) * (1/n + 1/m) / (8 ln 2), as a scaled
    Pearson statistic (second-order expansion; Lin 1991, Pardo 2006). Where bins are expected to
    hold few values, a bin empty by chance counts up to 2 ln 2 times what that limit gives it;
    ``inflation`` covers this, fitted to simulation.

    Args:
      baseline, current: shares of values per bin.
      n_baseline, n_current: rows they come from.
      resolution: share of values that may be counted in a neighbouring bin.
    """

    baseline: np.ndarray
    current: np.ndarray
    n_baseline: int
    n_current: int
    resolution: float = 0.0

    @property
    def bias(self) -> float:
        """The divergence when ``resolution`` of the mass strays over the worst of the edges."""
        left, right = self.baseline[:-1], self.baseline[1:]
        strayed = np.minimum(self.resolution, left)
        moved = _divergence(left, left - strayed) + _divergence(right, right + strayed)
        return float(moved.max(initial=0.0))

    @property
    def degrees(self) -> int:
        return max(1, len(_pooled(self)) - 1)

    @property
    def scale(self) -> float:
        expected = _pooled(self) * min(self.n_baseline, self.n_current)
        inflation = 1 + np.minimum(2 / expected, 2 * math.log(2) - 1).mean()
        return inflation * (1 / self.n_baseline + 1 / self.n_current) / (8 * math.log(2))

    def false_alarm_rate(self, value: float) -> float:
        return float(stats.chi2.sf(value / self.scale, self.degrees))

    def quantile(self, probability: float) -> float:
        return float(stats.chi2.isf(probability, self.degrees) * self.scale)


@dataclass(frozen=True)
class LargestDifferenceNoise:
    """The largest difference between shares of rows, over values (L-infinity norm).

    Each value's difference has variance p (1 - p) (1/n + 1/m); the chance that any of them
    exceeds x is at most the sum of Bennett's bounds, which hold for rare values too, where the
    normal approximation raises false alarms (Boucheron, Lugosi, Massart 2013, theorem 2.9).

    Args:
      baseline, current: shares per value.
      n_baseline, n_current: rows they come from.
    """

    baseline: np.ndarray
    current: np.ndarray
    n_baseline: int
    n_current: int

    @property
    def bias(self) -> float:
        return 0.0

    def false_alarm_rate(self, value: float) -> float:
        if value <= 0:
            return 1.0
        shares = _pooled(self)
        shares = shares[shares < 1]
        variance = shares * (1 - shares) * (1 / self.n_baseline + 1 / self.n_current)
        one_row = max(1 / self.n_baseline, 1 / self.n_current)
        ratio = one_row * value / variance
        exponent = variance / one_row**2 * ((1 + ratio) * np.log1p(ratio) - ratio)
        return float(min(1.0, 2 * np.exp(-exponent).sum()))

    def quantile(self, probability: float) -> float:
        low, high = 0.0, 1.0
        for _ in range(40):
            middle = (low + high) / 2
            if self.false_alarm_rate(middle) > probability:
                low = middle
            else:
                high = middle
        return high


@dataclass(frozen=True)
class Threshold:
    value: float
    origin: str


def threshold(
    noise: Noise, floor: float, fixed: float | None, alpha: float, comparisons: int
) -> Threshold:
    """The threshold of one of ``comparisons`` comparisons, and in a phrase where it comes from."""
    if fixed is not None:
        return Threshold(fixed, "fixed in configuration")
    chance = alpha / comparisons
    least = max(floor, noise.bias)
    if noise.false_alarm_rate(least) <= chance:
        return Threshold(least, "practical floor" if least == floor else "coarse histograms")
    n, m = sorted((noise.n_baseline, noise.n_current))
    return Threshold(noise.quantile(chance), f"sampling noise at n={n:,} against {m:,}")


def _pooled(noise: DivergenceNoise | LargestDifferenceNoise) -> np.ndarray:
    """Each bin's share in both samples together, empty bins left out."""
    n, m = noise.n_baseline, noise.n_current
    pooled = (n * noise.baseline + m * noise.current) / (n + m)
    return pooled[pooled > 0]


def _divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Each bin's part of the Jensen-Shannon divergence, in bits."""
    middle = np.maximum((p + q) / 2, 1e-300)
    return (special.xlogy(p, p / middle) + special.xlogy(q, q / middle)) / (2 * math.log(2))
