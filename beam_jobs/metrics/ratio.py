"""Metrics that divide one total over the rows by another: means, rates, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .intervals import Bounds, Confidence, difference, matched, symmetric, t_quantile, wilson
from .slice_table import Needs, SliceStatistics
from .sums import ONE, Linear
from .variances import (
    Terms,
    combination_variance,
    effective_number,
    fourth_sums,
    freedom,
    row_sums,
    variance_sums,
)


@dataclass(frozen=True)
class Ratio:
    """The total of ``numerator`` over that of ``denominator``, which lies in ``range``.

    Its intervals: of a ``proportion`` (0 or 1 in each row that counts) Wilson's; otherwise
    linearised with Student's t, of the fewer degrees of freedom the more few rows make up the
    variance; of a ``quotient`` of two means that are not negative, on the scale of its logarithm.
    Differences of two models on the same rows are linearised too, but of proportions of the same
    rows Tango's (``intervals.matched``), and of proportions of different ones (precision) from
    both Wilson intervals and their correlation.

    ``classes``: of a mean over rows of two classes an indicator of one; while all rows are of one
    class nothing tells what a row of the other costs, and there is no interval.
    """

    numerator: Linear
    denominator: Linear = ONE
    kind: Literal["proportion", "ratio", "quotient"] = "ratio"
    weighted: bool = False
    larger_is_better: bool | None = None
    depends_on_model: bool = True
    range: tuple[float, float] = (-np.inf, np.inf)
    classes: Linear | None = None

    def needs(self) -> Needs:
        sums = {*variance_sums(self._variables(), self.weighted), *row_sums(self.weighted)}
        if self.kind != "proportion":
            sums |= fourth_sums(self.numerator, self.denominator, self.weighted)
        if self.classes:
            sums |= {*self.classes.sums(0)}
        return Needs(frozenset(sums))

    def values(self, known: SliceStatistics) -> np.ndarray:
        denominator = self._total(known, self.denominator)
        share = self._total(known, self.numerator) / denominator
        return np.where(np.isclose(denominator, 0), np.nan, share)

    def defined(self, known: SliceStatistics) -> np.ndarray:
        return ~np.isclose(self._total(known, self.denominator), 0)

    def bounds(self, known: SliceStatistics, confidence: Confidence) -> Bounds:
        values = self.values(known)
        if self.kind == "proportion":
            trials = effective_number(known, self.denominator, self.weighted)
            return wilson(values, trials, confidence)
        variance = combination_variance(known, self._gradient(known), self.weighted)
        variance = self._told(known, variance)
        quantile = t_quantile(confidence, self._freedom(known))
        if self.kind == "quotient":
            factor = np.exp(quantile * np.sqrt(variance) / values)
            return values / factor, values * factor
        return tuple(np.clip(symmetric(values, variance, quantile), *self.range))

    def pair_needs(self, other: Ratio) -> Needs:
        both = [*self._variables(), *other._variables()]
        return Needs(frozenset(variance_sums(both, self.weighted)))

    def difference_bounds(
        self, other: Ratio, known: SliceStatistics, confidence: Confidence
    ) -> Bounds:
        if self.kind == "proportion" and self.denominator == other.denominator:
            return self._matched(other, known, confidence)
        mine, theirs = self._gradient(known), [(x, -c) for x, c in other._gradient(known)]
        variance = combination_variance(known, [*mine, *theirs], self.weighted)
        variance = self._told(known, variance)
        values = self.values(known), other.values(known)
        if self.kind != "proportion":
            fewer = np.minimum(self._freedom(known), other._freedom(known))
            quantile = t_quantile(confidence, fewer)
            return symmetric(values[0] - values[1], variance, quantile)
        own = [combination_variance(known, terms, self.weighted) for terms in (mine, theirs)]
        scale = np.sqrt(own[0] * own[1])
        correlation = np.where(scale > 0, (own[0] + own[1] - variance) / (2 * scale), 0)
        bounds = (metric.bounds(known, confidence) for metric in (self, other))
        first, second = ((v, *b) for v, b in zip(values, bounds, strict=True))
        return difference(first, second, np.clip(correlation, -1, 1))

    def _matched(self, other: Ratio, known: SliceStatistics, confidence: Confidence) -> Bounds:
        change = self.numerator - other.numerator
        trials = effective_number(known, self.denominator, self.weighted)
        shift = self.values(known) - other.values(known)
        power = 2 * self.weighted
        discordant = (change * change).total(known.sums, power)
        discordant = discordant / self.denominator.total(known.sums, power)
        return matched(
            trials * (discordant + shift) / 2, trials * (discordant - shift) / 2, trials, confidence
        )

    def _told(self, known: SliceStatistics, variance: np.ndarray) -> np.ndarray:
        """NaN where one class is all that there is."""
        if self.classes is None:
            return variance
        of_one = self.classes.total(known.sums, 0)
        return np.where((of_one > 0) & (of_one < known.rows), variance, np.nan)

    def _variables(self) -> list[Linear]:
        return [self.numerator, self.denominator]

    def _total(self, known: SliceStatistics, variable: Linear) -> np.ndarray:
        return variable.total(known.sums, int(self.weighted))

    def _freedom(self, known: SliceStatistics) -> np.ndarray:
        values = self.values(known)
        return freedom(known, self.numerator, self.denominator, values, self.weighted)

    def _gradient(self, known: SliceStatistics) -> Terms:
        inverse = 1 / self._total(known, self.denominator)
        return [(self.numerator, inverse), (self.denominator, -self.values(known) * inverse)]


@dataclass(frozen=True)
class Total:
    """A total over the rows: a count, which has no interval."""

    variable: Linear = ONE
    weighted: bool = False
    larger_is_better: bool | None = None
    depends_on_model: bool = True
    range: tuple[float, float] = (0, np.inf)

    def needs(self) -> Needs:
        return Needs(frozenset(self.variable.sums(int(self.weighted))))

    def values(self, known: SliceStatistics) -> np.ndarray:
        return self.variable.total(known.sums, int(self.weighted)).astype(float)

    def defined(self, known: SliceStatistics) -> np.ndarray:
        return np.ones(len(known.keys), bool)

    def bounds(self, known: SliceStatistics, confidence: Confidence) -> None:
        return None

    def pair_needs(self, other: Total) -> Needs:
        return Needs()

    def difference_bounds(
        self, other: Total, known: SliceStatistics, confidence: Confidence
    ) -> None:
        return None
