"""Area under the ROC curve, from histograms of scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .histograms import BUCKETS, COARSE, COARSE_BUCKETS, Histogram, PairHistogram
from .intervals import Bounds, Confidence, invert_score, symmetric, t_quantile
from .quantities import View
from .slice_table import Needs, SliceStatistics

_EPSILON = 1e-7


@dataclass(frozen=True)
class AUC:
    """TFMA's AUC of a view with ``thresholds`` equally spaced thresholds.

    Intervals: the variance is DeLong's, DeLong & Clarke-Pearson (1988), "Comparing the areas under
    two or more correlated receiver operating characteristic curves", Biometrics 44, from the
    placements of the cells; in the score interval of Newcombe (2006), "Confidence intervals for
    an effect size measure based on the Mann-Whitney statistic, part 2", Statistics in Medicine 25,
    method 5, with Hanley & McNeil's variance scaled to DeLong's, which stays inside [0, 1] and has
    a width at an AUC of 1. Differences: DeLong's, covariances from a coarser histogram of pairs.
    """

    view: View
    thresholds: int = BUCKETS
    weighted: bool = False
    larger_is_better: bool = True
    depends_on_model: bool = True
    range: tuple[float, float] = (0, 1)

    def needs(self) -> Needs:
        return Needs(histograms=frozenset({self._histogram}))

    def values(self, known: SliceStatistics) -> np.ndarray:
        return self._curve(known).auc

    def defined(self, known: SliceStatistics) -> np.ndarray:
        curve = self._curve(known)
        return (curve.positives > 0) & (curve.negatives > 0)

    def bounds(self, known: SliceStatistics, confidence: Confidence) -> Bounds:
        curve = self._curve(known)
        quantile = t_quantile(confidence, curve.freedom())
        return score_interval(curve.auc, curve.variance(), curve.counts(), quantile)

    def pair_needs(self, other: AUC) -> Needs:
        return Needs(histograms=frozenset({PairHistogram(self.view, other.view, self.weighted)}))

    def difference_bounds(
        self, other: AUC, known: SliceStatistics, confidence: Confidence
    ) -> Bounds:
        mine, theirs = self._curve(known), other._curve(known)
        pairs = known.histograms[PairHistogram(self.view, other.view, self.weighted)]
        place, label = np.divmod(pairs.cells, 2)
        first, second = np.divmod(place, COARSE_BUCKETS)
        influence = (
            mine.coarse_influence()[pairs.slices, label, first]
            * theirs.coarse_influence()[pairs.slices, label, second]
        )
        covariance = np.bincount(
            pairs.slices, influence * pairs.masses[:, -1], minlength=len(known.keys)
        )
        variance = np.maximum(mine.variance() + theirs.variance() - 2 * covariance, 0)
        fewer = np.minimum(mine.freedom(), theirs.freedom())
        return symmetric(mine.auc - theirs.auc, variance, t_quantile(confidence, fewer))

    @property
    def _histogram(self) -> Histogram:
        return Histogram(self.view, self.weighted)

    def _curve(self, known: SliceStatistics) -> Curve:
        key = (Curve, self._histogram, self.thresholds)
        if key not in known.derived:
            cells = known.histograms[self._histogram]
            step = threshold_step(self.thresholds)[cells.cells // 2]
            known.derived[key] = Curve(
                len(known.keys), cells.slices, cells.cells, step, cells.masses
            )
        return known.derived[key]


def threshold_step(thresholds: int) -> np.ndarray:
    """Bucket -> the last of TFMA's thresholds below its scores (``calibration_histogram.rebin``).

    Scores from 1 on lie with those of the step before: above the last threshold TFMA counts none.
    """
    inner = np.arange(1, thresholds - 1) / (thresholds - 1)
    edges = np.concatenate([[0.0], inner + _EPSILON, [1 + 2 * _EPSILON]])
    starts = np.concatenate([[-np.inf], np.arange(BUCKETS) / BUCKETS, [np.inf]])
    steps = np.maximum(np.searchsorted(edges, starts, "right") - 1, 0)
    return np.minimum(steps, thresholds - 2)


@dataclass(frozen=True)
class Curve:
    """The ROC curves of slices, from the cells of a histogram.

    Attributes:
      n: number of slices.
      slices, cells, step: of the cells, sorted by slice and step; int64 [m].
      masses: float64 [m, 1 or 2], weights and where these are not 1 their squares.
    """

    n: int
    slices: np.ndarray
    cells: np.ndarray
    step: np.ndarray
    masses: np.ndarray

    @cached_property
    def positives(self) -> np.ndarray:
        """The positives' weight in each slice, float64 [n]; ``negatives`` likewise."""
        return self._per_slice(self._positive * self.masses[:, 0])

    @cached_property
    def negatives(self) -> np.ndarray:
        return self._per_slice(~self._positive * self.masses[:, 0])

    @cached_property
    def auc(self) -> np.ndarray:
        """0 where a class is missing, as in TFMA."""
        share = self._placements * self.masses[:, 0] / self.positives[self.slices]
        return self._per_slice(np.where(self._positive & np.isfinite(share), share, 0))

    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """How many positives and negatives of equal weight tell as much (Kish 1965)."""
        squares = self.masses[:, -1]
        classes = ((self.positives, self._positive), (self.negatives, ~self._positive))
        return tuple(total**2 / self._per_slice(chosen * squares) for total, chosen in classes)

    def variance(self) -> np.ndarray:
        """Of the AUC; NaN where a class has fewer than two rows."""
        return self._per_slice(self.influence() ** 2 * self.masses[:, -1])

    def freedom(self) -> np.ndarray:
        """Degrees of freedom of the variance, by Welch and Satterthwaite over both classes."""
        parts = self.influence() ** 2 * self.masses[:, -1]
        of_classes = [
            self._per_slice(parts * chosen) for chosen in (self._positive, ~self._positive)
        ]
        spread = sum(
            variance**2 / np.maximum(count - 1, 1)
            for variance, count in zip(of_classes, self.counts(), strict=True)
        )
        degrees = sum(of_classes) ** 2 / spread
        return np.where(degrees > 1, degrees, 1)

    def influence(self) -> np.ndarray:
        """By how much a row of each cell moves the AUC: float64 [m]."""
        positives, negatives = self.counts()
        share = np.where(
            self._positive,
            (np.sqrt(positives / (positives - 1)) / self.positives)[self.slices],
            (np.sqrt(negatives / (negatives - 1)) / self.negatives)[self.slices],
        )
        return (self._placements - self.auc[self.slices]) * share

    def coarse_influence(self) -> np.ndarray:
        """Mean influence of the rows of each coarse bucket, float64 [n, label, bucket]."""
        bucket, label = np.divmod(self.cells, 2)
        place = (self.slices * 2 + label) * COARSE_BUCKETS + COARSE[bucket]
        size = self.n * 2 * COARSE_BUCKETS
        mass = np.bincount(place, self.masses[:, 0], minlength=size)
        total = np.bincount(place, self.influence() * self.masses[:, 0], minlength=size)
        mean = np.where(mass > 0, total / mass, 0)
        return mean.reshape(self.n, 2, COARSE_BUCKETS)

    @cached_property
    def _positive(self) -> np.ndarray:
        return self.cells % 2 == 1

    @cached_property
    def _placements(self) -> np.ndarray:
        """Of each cell: the share of the other class that its rows are rightly above or below,
        ties half; float64 [m]."""
        mass = self.masses[:, 0]
        starts = np.flatnonzero(_changes(self.slices) | _changes(self.step))
        group = np.cumsum(_changes(self.slices) | _changes(self.step)) - 1
        slices = self.slices[starts]
        below_or_tied = []
        for own, total in (
            (~self._positive * mass, self.negatives),
            (self._positive * mass, self.positives),
        ):
            in_group = np.add.reduceat(own, starts) if len(starts) else own
            summed = np.cumsum(in_group)
            before = np.concatenate([[0.0], np.cumsum(total)])[:-1]
            lower = summed - in_group - before[slices]
            below_or_tied.append(((lower + in_group / 2) / total[slices])[group])
        return np.where(self._positive, below_or_tied[0], 1 - below_or_tied[1])

    def _per_slice(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.slices, values, minlength=self.n)


def _changes(values: np.ndarray) -> np.ndarray:
    """Where a value is not the one before; true at the first."""
    return np.concatenate([[True], values[1:] != values[:-1]])[: len(values)]


def hanley_mcneil_variance(
    auc: np.ndarray, positives: np.ndarray, negatives: np.ndarray
) -> np.ndarray:
    """Hanley & McNeil (1982), "The meaning and use of the area under a ROC curve", Radiology 143;
    group sizes balanced as in Newcombe's method 5."""
    extra = (positives + negatives) / 2 - 1
    spread = 1 + extra * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return auc * (1 - auc) * spread / (positives * negatives)


def score_interval(
    auc: np.ndarray,
    variance: np.ndarray,
    counts: tuple[np.ndarray, np.ndarray],
    quantile: np.ndarray | float,
) -> Bounds:
    """The AUCs that the observed ones do not refute: ``|auc - x| <= quantile * sd(x)``."""
    auc = np.clip(auc, 0, 1)
    scale = variance / hanley_mcneil_variance(auc, *counts)
    scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1)

    def accepts(x: np.ndarray) -> np.ndarray:
        return np.abs(auc - x) <= quantile * np.sqrt(scale * hanley_mcneil_variance(x, *counts))

    return invert_score(auc, (0.0, 1.0), accepts)
