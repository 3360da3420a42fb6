"""Whether estimates can be believed: on labels that have come since, and by the scores' range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, expit

from .calibration import Calibration
from .score_points import ScorePoints

ALPHA = 0.01
LEAST_CHANGE = 0.1
MOST_OUTSIDE = 0.02


@dataclass(frozen=True)
class CalibrationChange:
    """How newer labels differ from what the curve says.

    Attributes:
      p_value: of no difference, in level or slope.
      expected, found: share of label 1 among the newer rows.
      change: mean absolute difference of chances, as a share of the chance of the less likely
        label.
    """

    p_value: float
    expected: float
    found: float
    change: float
    rows: float

    @property
    def broken(self) -> bool:
        """Significant and material."""
        return self.p_value <= ALPHA and self.change >= LEAST_CHANGE


def calibration_change(curve: Calibration, newer: ScorePoints) -> CalibrationChange | None:
    """Tests the curve on labels that it was not fitted to; None where there are none.

    A score test of another level and another slope, with the doubt of the curve itself.
    """
    if not newer.total:
        return None
    logits = curve.logits(newer.logits)
    chances = expit(logits)
    weights = newer.rows * chances * (1 - chances)
    moved = np.column_stack([np.ones(len(logits)), logits])
    gap = moved.T @ (newer.positives - newer.rows * chances)
    information = (moved * weights[:, None]).T @ moved
    of_curve = (moved * weights[:, None]).T @ curve.basis(newer.logits)
    variance = information + of_curve @ curve.covariance @ of_curve.T
    statistic = float(gap @ np.linalg.pinv(variance, hermitian=True) @ gap)
    shift = np.linalg.pinv(information + np.eye(2), hermitian=True) @ gap
    moved_chances = expit(logits + moved @ np.clip(shift, -3, 3))
    rarer = newer.rows @ np.minimum(chances, 1 - chances)
    return CalibrationChange(
        p_value=float(chdtrc(2, statistic)),
        expected=float(newer.rows @ chances / newer.total),
        found=float(newer.positives.sum() / newer.total),
        change=float(newer.rows @ np.abs(moved_chances - chances) / rarer),
        rows=newer.total,
    )


def share_outside(curve: Calibration, points: ScorePoints) -> float:
    """The share of rows with a score lower or higher than the curve was learned from."""
    outside = (points.logits < curve.lowest) | (points.logits > curve.highest)
    return float(points.rows[outside].sum() / max(points.total, 1))
