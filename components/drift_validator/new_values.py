"""Values that the baseline never had, and how many of them chance alone brings.

Were the rows of both populations dealt out at random, a value of c rows would be in the current
ones alone with the chance that all c of them are drawn for these. So identifiers, which are nearly
all new each time, are no newer than chance makes them, and a new category is. Where earlier spans
had values that the others did not have, the current one may have as many more as these differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from .nulls import Level
from .span_variation import LEAST_SPANS


@dataclass(frozen=True, eq=False)
class NewValuesNull:
    """The share of rows with new values: gamma by its mean and variance under permutation.

    ``usual``, ``deviation``, ``degrees``: that share in earlier spans, against all others; NaN
    where too few tell it. The chance is then no less than Student's law gives.
    """

    mean: np.ndarray
    variance: np.ndarray
    usual: np.ndarray
    deviation: np.ndarray
    degrees: np.ndarray

    @property
    def between(self) -> np.ndarray:
        return (np.nan_to_num(self.usual) > 0).astype(float)

    def p_values(self, values: np.ndarray) -> np.ndarray:
        by_chance = stats.gamma.sf(values, *self._gamma)
        usually = stats.t.sf((values - self.usual) / self.deviation, self.degrees)
        return np.where(values > 0, np.fmax(by_chance, usually), 1.0)

    def quantiles(self, level: Level) -> np.ndarray:
        by_chance = stats.gamma.isf(level, *self._gamma)
        usually = self.usual + self.deviation * stats.t.isf(level, self.degrees)
        return np.fmax(by_chance, usually)

    @property
    def _gamma(self) -> tuple[np.ndarray, int, np.ndarray]:
        mean = np.maximum(self.mean, 1e-300)
        variance = np.maximum(self.variance, 1e-300)
        return mean**2 / variance, 0, variance / mean


def new_values(counts: np.ndarray) -> tuple[np.ndarray, NewValuesNull]:
    """The share of the current rows whose value the baseline does not have, and its law.

    Args:
      counts: [tests, populations, values], of all values; current, baseline, references.
    """
    current, baseline = counts[:, 0], counts[:, 1]
    rows = counts.sum(axis=2)
    n, m = rows[:, 1], np.maximum(rows[:, 0], 1)
    values = np.where(baseline > 0, 0, current).sum(axis=1) / m
    pooled = current + baseline
    chance = (m / np.maximum(n + m, 1))[:, None] ** pooled
    mean = (pooled * chance).sum(axis=1) / m
    variance = (pooled**2 * chance * (1 - chance)).sum(axis=1) / m**2
    return values, NewValuesNull(mean, variance, *_usual(counts[:, 2:]))


def _usual(references: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = references.sum(axis=2)
    known = rows > 0
    spans = known.sum(axis=1)
    others = references.sum(axis=1, keepdims=True) - references
    shares = np.where(others > 0, 0, references).sum(axis=2) / np.maximum(rows, 1)
    usual = np.where(known, shares, 0).sum(axis=1) / np.maximum(spans, 1)
    squares = np.where(known, (shares - usual[:, None]) ** 2, 0).sum(axis=1)
    deviation = np.sqrt(squares / np.maximum(spans - 1, 1) * (1 + 1 / np.maximum(spans, 1)))
    told = (spans >= LEAST_SPANS) & (deviation > 0)
    return (
        np.where(told, usual, np.nan),
        np.where(told, deviation, np.nan),
        np.where(told, spans - 1, np.nan),
    )
