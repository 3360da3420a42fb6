"""95 % intervals of metrics, in closed form from a slice's moments.

- Ratios of sums (means, calibration): linearised (delta method), so that the metric is a mean of
  per-row influences, with Student's t. Differences of two models on the same rows: the same on
  the difference of influences, hence paired.
- Proportions: Wilson (1927), "Probable inference, the law of succession, and statistical
  inference", JASA 22.
- AUC: the variance of Hanley & McNeil (1982), "The meaning and use of the area under a ROC
  curve", Radiology 143, inverted as a score interval: Newcombe (2006), "Confidence intervals for
  an effect size measure based on the Mann-Whitney statistic, part 2", Statistics in Medicine 25,
  method 5. It stays inside [0, 1] and has a width at an AUC of 1.
- Differences of AUC: the two intervals combined as if independent (MOVER; Zou & Donner 2008,
  "Construction of confidence limits about effect measures", Statistics in Medicine 27). Scores of
  two models on the same rows go together, so this interval is wider than a paired one: it
  errs on the side of "no difference".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtrit

from .evaluation_config import EvaluationConfig, Metric
from .metric_moments import Layout

CONFIDENCE = 0.95
_UPPER = (1 + CONFIDENCE) / 2
_Z = float(ndtri(_UPPER))

Bounds = tuple[float, float]


@dataclass(frozen=True)
class SliceEvidence:
    """What the moments of one slice say about its metrics."""

    gram: np.ndarray
    layout: Layout
    config: EvaluationConfig

    @property
    def rows(self) -> int:
        return round(self.gram[0, 0])

    def value(self, model: str, name: str) -> float | None:
        """The metric's point value; None for AUC and where the denominator is zero."""
        metric = self.config.metric(name)
        if metric.interval == "auc" or not self.defined(model, name):
            return None
        if metric.interval is None:
            return float(self.rows)
        return self._sum(model, metric.numerator) / self._sum(model, metric.denominator)

    def defined(self, model: str, name: str) -> bool:
        """Whether the metric has a value: AUC needs both classes, a ratio a denominator."""
        metric = self.config.metric(name)
        if metric.interval == "auc":
            return 0 < self._sum(model, "label") < self.rows
        return self._sum(model, metric.denominator) != 0

    def bounds(self, model: str, name: str, value: float) -> Bounds | None:
        """The interval around the metric's ``value``; None if the slice allows none."""
        metric = self.config.metric(name)
        if metric.interval is None or self.rows < 2:
            return None
        if metric.interval == "auc":
            positives = self._sum(model, "label")
            return auc_interval(value, positives, self.rows - positives)
        if metric.interval == "proportion":
            return wilson_interval(
                self._sum(model, metric.numerator), self._sum(model, metric.denominator)
            )
        return self._linearised(value, self._influence(model, metric))

    def difference_bounds(
        self, model: str, value: float, against: str, against_value: float, name: str
    ) -> Bounds | None:
        """The interval of ``value - against_value``, the same metric of two models."""
        metric = self.config.metric(name)
        if self.rows < 2:
            return None
        if metric.interval == "auc":
            return mover_difference(
                value,
                self.bounds(model, name, value),
                against_value,
                self.bounds(against, name, against_value),
            )
        influence = self._influence(model, metric) - self._influence(against, metric)
        return self._linearised(value - against_value, influence)

    def _sum(self, model: str, quantity: str) -> float:
        return float(self.gram[0, self.layout.column(model, quantity)])

    def _influence(self, model: str, metric: Metric) -> np.ndarray:
        """Weights w so that the metric moves by the mean of ``w . x`` over the rows."""
        numerator = self.layout.column(model, metric.numerator)
        denominator = self.layout.column(model, metric.denominator)
        weights = np.zeros(self.layout.size)
        weights[numerator] += 1
        weights[denominator] -= self.gram[0, numerator] / self.gram[0, denominator]
        return weights * self.rows / self.gram[0, denominator]

    def _linearised(self, value: float, influence: np.ndarray) -> Bounds:
        means = self.gram[0] / self.rows
        covariance = (self.gram / self.rows - np.outer(means, means)) / (self.rows - 1)
        variance = max(float(influence @ covariance @ influence), 0.0)
        margin = float(stdtrit(self.rows - 1, _UPPER)) * variance**0.5
        return value - margin, value + margin


def wilson_interval(successes: float, trials: float) -> Bounds:
    """Wilson's score interval of a proportion."""
    share = successes / trials
    spread = _Z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    margin = _Z * (share * (1 - share) / trials + spread / (4 * trials)) ** 0.5 / (1 + spread)
    return max(min(centre - margin, share), 0.0), min(max(centre + margin, share), 1.0)


def auc_variance(auc: float, positives: float, negatives: float) -> float:
    """Hanley & McNeil's variance of an AUC, group sizes balanced as in Newcombe's method 5."""
    extra = (positives + negatives) / 2 - 1
    spread = 1 + extra * ((1 - auc) / (2 - auc) + auc / (1 + auc))
    return auc * (1 - auc) * spread / (positives * negatives)


def auc_interval(auc: float, positives: float, negatives: float) -> Bounds:
    """The AUCs that the observed one does not refute: |auc - x| <= z sd(x)."""
    auc = min(max(auc, 0.0), 1.0)  # a sum of many parts may be 1 + 1e-16
    return tuple(
        _bisect(lambda x: abs(auc - x) <= _Z * auc_variance(x, positives, negatives) ** 0.5, end)
        for end in ((auc, 0.0), (auc, 1.0))
    )


def _bisect(holds, between: Bounds) -> float:
    """Where ``holds`` ends on the way from the first point, where it is true, to the second."""
    inside, outside = between
    for _ in range(50):
        middle = (inside + outside) / 2
        if holds(middle):
            inside = middle
        else:
            outside = middle
    return inside


def mover_difference(a: float, a_bounds: Bounds, b: float, b_bounds: Bounds) -> Bounds:
    """The interval of ``a - b`` from those of two estimates taken as independent."""
    margin_below = np.hypot(a - a_bounds[0], b_bounds[1] - b)
    margin_above = np.hypot(a_bounds[1] - a, b - b_bounds[0])
    return float(a - b - margin_below), float(a - b + margin_above)
