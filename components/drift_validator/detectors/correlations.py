"""Correlations that changed, between inputs, prediction and label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, product
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy import stats

from .columns import Column, encoded, sampled
from .contract import EVERYTHING, Measured, Rows, RowsDetector, too_few

MOST_ROWS = 10_000
INDICATORS = 10
EFFECTIVE_ROWS = 20


class Correlations(RowsDetector):
    """For each pair of features, the change of their rank correlation.

    Numbers are taken as ranks among the rows of both sides, categories as an indicator for each
    of their ``INDICATORS`` most frequent values. The value is the absolute difference of
    Pearson's correlation of these on both sides; where a feature has several indicators, that of
    the pair of them which is least likely by chance, its p-value multiplied by their number.

    The difference is taken as normal. Its variance is that of the correlation's influence
    function, which holds for any distribution (Devlin, Gnanadesikan, Kettenring 1975); pairs so
    rare that it does not hold yet are left out: those with fewer than ``EFFECTIVE_ROWS`` rows
    after division by both kurtoses.

    Attributes:
      floor: a smaller change of a correlation does not matter.
      min_rows: with fewer rows a side there is no verdict.

    >>> import numpy as np, pyarrow as pa
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 2000))
    >>> before, now = (pa.table({"x": x, "y": s * x + noise}) for s in (1, -1))
    >>> [found] = Correlations().measure(Rows(before, now, "serving", "training", ["x", "y"]))
    >>> found.feature, round(found.before, 1), round(found.after, 1), found.p_value < 1e-9
    ('x and y', 0.7, -0.7, True)

    References:
      S. J. Devlin, R. Gnanadesikan, J. R. Kettenring, Robust estimation and outlier detection
      with correlation coefficients, Biometrika 62, 1975.
    """

    name: ClassVar[str] = "rank_correlation"
    floor: float = Field(default=0.1, ge=0, le=2)
    min_rows: int = Field(default=100, ge=20)

    def measure(self, rows: Rows) -> list[Measured]:
        rows = sampled(rows, MOST_ROWS)
        n = rows.baseline.num_rows
        sizes = n, rows.current.num_rows
        reason = too_few(self.min_rows, *sizes)
        if reason:
            return [
                Measured(self.name, EVERYTHING, rows.split, rows.against, *sizes, reason=reason)
            ]
        places, values = _standing(encoded(rows))
        if len(places) < 2:
            return []
        news = set(places if rows.news is None else rows.news)
        change = _change(values[:n], values[n:])
        return [
            self._measured(rows, pair, change, list(product(*(places[name] for name in pair))))
            for pair in combinations(places, 2)
            if news.intersection(pair)
        ]

    def _measured(
        self, rows: Rows, pair: tuple[str, str], change: _Change, cells: list[tuple[int, int]]
    ) -> Measured:
        told = [cell for cell in cells if min(change.effective[cell]) >= EFFECTIVE_ROWS]
        worst = max(told or cells, key=lambda cell: change.z[cell])
        about = (self.name, " and ".join(pair), rows.split, rows.against)
        sizes = tuple(int(n) for n in change.rows[worst])
        if not told:
            return Measured(*about, *sizes, reason="too few rows in which both have a common value")
        before, after = (float(r) for r in change.correlations[worst])
        error = float(change.error[worst])
        return Measured(
            *about,
            *sizes,
            value=abs(after - before),
            floor=self.floor,
            p_value=min(1.0, float(2 * stats.norm.sf(change.z[worst]) * len(told))),
            quantile=lambda level: float(stats.norm.isf(level / 2 / len(told))) * error,
            before=before,
            after=after,
        )


@dataclass(frozen=True)
class _Change:
    """Square matrices over the columns; the last axis, where there is one, is the side.

    ``error``: standard error of the difference of ``correlations``; ``z``: that difference,
    without its sign, in standard errors.
    """

    correlations: np.ndarray
    rows: np.ndarray
    effective: np.ndarray
    error: np.ndarray

    @property
    def z(self) -> np.ndarray:
        return np.abs(self.correlations[..., 1] - self.correlations[..., 0]) / self.error


def _standing(columns: list[Column]) -> tuple[Mapping[str, list[int]], np.ndarray]:
    """The places of each feature's columns, and all columns, side by side."""
    places: dict[str, list[int]] = {}
    stacked: list[np.ndarray] = []
    for column in columns:
        if column.categories is None:
            shown = [column.values]
        else:
            codes = range(min(column.categories, INDICATORS) - (column.categories == 2))
            missing = np.isnan(column.values)
            shown = [np.where(missing, np.nan, column.values == code) for code in codes]
        places.setdefault(column.feature, []).extend(range(len(stacked), len(stacked) + len(shown)))
        stacked.extend(shown)
    return places, np.column_stack(stacked) if stacked else np.empty((0, 0))


def _change(baseline: np.ndarray, current: np.ndarray) -> _Change:
    """From two arrays of (rows, columns), NaN where a value is missing."""
    sides = [_side(baseline), _side(current)]
    rows = [np.maximum(side.rows, 1) for side in sides]
    pooled = sum(side.variance * n for side, n in zip(sides, rows, strict=True)) / sum(rows)
    own = sum(side.variance / n for side, n in zip(sides, rows, strict=True))
    one_row = sum(1 / n**2 for n in rows)
    variance = np.maximum(own, pooled * sum(1 / n for n in rows)) + one_row
    return _Change(
        np.stack([side.correlation for side in sides], axis=-1),
        np.stack([side.rows for side in sides], axis=-1),
        np.stack([side.effective for side in sides], axis=-1),
        np.sqrt(variance),
    )


@dataclass(frozen=True)
class _Side:
    """``variance``: of the correlation, for one row; ``effective``: rows by both kurtoses."""

    rows: np.ndarray
    correlation: np.ndarray
    variance: np.ndarray
    effective: np.ndarray


def _side(values: np.ndarray) -> _Side:
    known = (~np.isnan(values)).astype(float)
    count = np.maximum(known.sum(axis=0), 1)
    u = np.where(known > 0, values - np.nansum(values, axis=0) / count, 0.0)
    deviation = np.sqrt((u**2).sum(axis=0) / count)
    u /= np.where(deviation > 0, deviation, 1.0)
    rows = known.T @ known
    n = np.maximum(rows, 1)
    squares = u**2
    mean, second = u.T @ known / n, squares.T @ known / n
    spread = np.sqrt(np.maximum((second - mean**2) * (second - mean**2).T, 0))
    covariance = u.T @ u / n - mean * mean.T
    r = np.divide(covariance, spread, where=spread > 1e-12, out=np.zeros_like(spread))
    r = np.clip(r, -1, 1)
    both, fourth = squares.T @ squares / n, (squares**2).T @ known / n
    third = (squares * u).T @ u / n
    variance = both - r * (third + third.T) + r**2 / 4 * (fourth + fourth.T + 2 * both)
    kurtosis = (squares**2).sum(axis=0) / count
    weight = np.outer(kurtosis, kurtosis)
    effective = np.divide(rows, weight, where=weight > 0, out=np.zeros_like(weight))
    return _Side(rows, r, np.maximum(variance, 0), effective)
