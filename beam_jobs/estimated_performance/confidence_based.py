"""Confidence-based performance estimation: metrics expected of rows whose labels are unknown.

A calibrated score says how likely the row's label is 1, hence what each entry of the confusion
matrix, and so each metric, is expected to be. This holds as long as rows of the same score have
label 1 as often as they had (no concept drift, and no covariate drift that the score does not
tell): see ``assumptions``.

The method: NannyML's documentation of CBPE; Bialek, Kivimaki, Kuberski & Perrakis (2024),
"Estimating model performance under covariate shift without labels", arXiv 2401.08348. The bands
are our own: metrics of labels that are drawn from chances that are drawn from the calibration's
doubt, and so bands for the value that the labels will show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from .binary_metrics import METRICS
from .calibration import ON_THE_CURVE, Calibration, Offset
from .score_points import ScorePoints

CONFIDENCE = 0.95
_DRAWS = 400
_POINTS = 256


@dataclass(frozen=True)
class Estimate:
    """A metric's expected value and the band in which its real one lies in 95 % of cases."""

    value: float
    lower: float
    upper: float


def estimate_metrics(
    curve: Calibration,
    points: ScorePoints,
    names: Sequence[str],
    threshold: float,
    offset: Offset = ON_THE_CURVE,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Estimates for rows with unknown labels; none of a metric that may well be undefined.

    Args:
      points: in bins that have ``threshold`` as an edge.
      names: of ``METRICS``.
      offset: by how much these rows are off the curve.
    """
    if not points.total:
        return {}
    points = _thinned(points, threshold)
    generator = np.random.default_rng(seed)
    normal = generator.standard_normal((_DRAWS, len(curve.coefficients)))
    offsets = offset.value + offset.deviation * generator.standard_normal((_DRAWS, 1))
    chances = expit(curve.draws(points.logits, normal) + offsets)
    drawn = generator.binomial(points.rows.astype(np.int64), chances).astype(float)
    expected = points.rows * chances.mean(axis=0)
    tail = (1 - CONFIDENCE) / 2
    found = {}
    for name in names:
        value = float(METRICS[name](points, expected, threshold))
        values = METRICS[name](points, drawn, threshold)
        if np.isfinite(value) and np.isfinite(values).mean() > CONFIDENCE:
            lower, upper = np.nanquantile(values, [tail, 1 - tail])
            found[name] = Estimate(value, min(float(lower), value), max(float(upper), value))
    return found


def _thinned(points: ScorePoints, threshold: float) -> ScorePoints:
    """Few points, of which none holds scores on both sides of the threshold."""
    above = expit(points.logits) > threshold
    parts = [
        ScorePoints(points.logits[side], points.rows[side]).coarsened(1, _POINTS)
        for side in (~above, above)
        if side.any()
    ]
    return ScorePoints(
        np.concatenate([part.logits for part in parts]),
        np.concatenate([part.rows for part in parts]),
    )
