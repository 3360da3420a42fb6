"""What a score means: the chance of label 1 as a smooth function of the score, with its doubt.

The logit of the chance is that of the score plus a line with a few bends, fitted by penalised
maximum likelihood to labelled rows; no penalty is on the constant. It contains the identity and
what beta calibration can say (Kull, Silva Filho & Flach 2017, "Beta calibration", AISTATS) to a
close approximation, and other than isotonic regression it is smooth, has a covariance and goes on
beyond the scores that were seen.

A slice may be off the curve by a constant in the logit. How much slices differ at all is estimated
from all of them (method of moments), and each slice's own offset is drawn towards none by that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .score_points import ScorePoints

_MOST_BENDS = 4
_LABELS_A_BEND = 100
_PENALTY = 0.25
_POINTS = 400
_STEPS = 50


@dataclass(frozen=True)
class Calibration:
    """The curve.

    Attributes:
      bends: logits of scores at which the line bends.
      coefficients: of the ``basis``, [p].
      covariance: theirs, [p, p].
      lowest, highest: the logits of scores that were seen, without the outermost 1 in 1,000 rows.
      labelled: rows that it was learned from.
    """

    bends: np.ndarray
    coefficients: np.ndarray
    covariance: np.ndarray
    lowest: float
    highest: float
    labelled: float

    def basis(self, logits: np.ndarray) -> np.ndarray:
        return _basis(logits, self.bends)

    def logits(self, logits: np.ndarray) -> np.ndarray:
        """Logits of the chances."""
        return logits + self.basis(logits) @ self.coefficients

    def chances(self, logits: np.ndarray, offset: float = 0.0) -> np.ndarray:
        return expit(self.logits(logits) + offset)

    def draws(self, logits: np.ndarray, normal: np.ndarray) -> np.ndarray:
        """Logits of chances [b, k] under ``normal`` [b, p] independent draws of its doubt."""
        root = np.linalg.cholesky(self.covariance)
        drawn = self.coefficients + normal @ root.T
        return logits + drawn @ self.basis(logits).T


@dataclass(frozen=True)
class Offset:
    """By how much a slice is off the curve, in the logit."""

    value: float = 0.0
    deviation: float = 0.0


ON_THE_CURVE = Offset()


def fit_calibration(points: ScorePoints) -> Calibration:
    """The curve for labelled rows.

    Raises:
      ValueError: there are no labelled rows.
    """
    if not points.total:
        raise ValueError("calibration: no labelled rows to learn from")
    points = _with_a_prior_row(points.coarsened(1, _POINTS))
    bends = _bends(points)
    design = _basis(points.logits, bends)
    penalty = np.diag([0.0] + [_PENALTY] * (design.shape[1] - 1))
    coefficients = _maximise(design, points, penalty)
    chances = expit(points.logits + design @ coefficients)
    information = _information(design, points.rows * chances * (1 - chances)) + penalty
    share = np.cumsum(points.rows) / points.total
    return Calibration(
        bends=bends,
        coefficients=coefficients,
        covariance=np.linalg.inv(information),
        lowest=float(points.logits[np.searchsorted(share, 0.001)]),
        highest=float(points.logits[np.searchsorted(share, 0.999)]),
        labelled=points.total - 1,
    )


def _with_a_prior_row(points: ScorePoints) -> ScorePoints:
    """Half a row of either label, spread as the rows: no chance is 0 or 1 for want of labels."""
    prior = points.rows / points.total
    return ScorePoints(points.logits, points.rows + prior, points.positives + prior / 2)


def offset_variance(curve: Calibration, slices: list[ScorePoints]) -> float:
    """How much the slices' offsets vary beyond chance."""
    gaps, spreads = zip(*(_gap(curve, points, 0.0) for points in slices), strict=True)
    gaps, spreads = np.array(gaps), np.array(spreads)
    weight = (spreads**2).sum()
    return float(max((gaps**2 - spreads).sum() / weight, 0.0)) if weight > 0 else 0.0


def fit_offset(curve: Calibration, points: ScorePoints, variance: float) -> Offset:
    """A slice's offset, where offsets vary by ``variance`` among slices."""
    if variance <= 0 or not points.total:
        return Offset(0.0, float(np.sqrt(max(variance, 0.0))))
    value = 0.0
    for _ in range(_STEPS):
        gap, spread = _gap(curve, points, value)
        step = (gap - value / variance) / (spread + 1 / variance)
        value += float(np.clip(step, -2, 2))
        if abs(step) < 1e-9:
            break
    _, spread = _gap(curve, points, value)
    return Offset(value, float((spread + 1 / variance) ** -0.5))


def _gap(curve: Calibration, points: ScorePoints, offset: float) -> tuple[float, float]:
    """Positives beyond what is expected, and their variance."""
    chances = curve.chances(points.logits, offset)
    gap = (points.positives - points.rows * chances).sum()
    return float(gap), float((points.rows * chances * (1 - chances)).sum())


def _bends(points: ScorePoints) -> np.ndarray:
    """At quantiles of the scores; the more labels of the rarer kind, the more."""
    rarer = min(points.positives.sum(), (points.rows - points.positives).sum())
    wanted = int(min(rarer // _LABELS_A_BEND, _MOST_BENDS))
    share = np.cumsum(points.rows) / points.total
    places = np.searchsorted(share, np.arange(1, wanted + 1) / (wanted + 1))
    return np.unique(points.logits[places])


def _basis(logits: np.ndarray, bends: np.ndarray) -> np.ndarray:
    """Constant, slope (per 4 logits) and one hinge for each bend, [k, p]."""
    hinges = np.maximum(logits[:, None] - bends, 0)
    return np.column_stack([np.ones(len(logits)), logits / 4, hinges / 4])


def _information(design: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (design * weights[:, None]).T @ design


def _maximise(design: np.ndarray, points: ScorePoints, penalty: np.ndarray) -> np.ndarray:
    """Newton's method with halved steps."""

    def loss(coefficients: np.ndarray) -> float:
        logits = points.logits + design @ coefficients
        likelihood = points.positives * logits - points.rows * np.logaddexp(0, logits)
        return float(coefficients @ penalty @ coefficients / 2 - likelihood.sum())

    here = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chances = expit(points.logits + design @ here)
        gradient = design.T @ (points.positives - points.rows * chances) - penalty @ here
        information = _information(design, points.rows * chances * (1 - chances)) + penalty
        step = np.linalg.solve(information, gradient)
        while loss(here + step) > loss(here) + 1e-12 and np.abs(step).max() > 1e-12:
            step = step / 2
        here = here + step
        if step @ gradient < 1e-10:
            break
    return here
