"""Estimates of a binary classification on every slice."""

from __future__ import annotations

import numpy as np

from ..evaluation_config import EvaluationConfig
from ..metrics.memberships import SliceKey
from ..metrics.quantities import View
from ..metrics.slice_table import SliceStatistics
from ..reports import EstimateCheck, Estimates, MetricEstimate
from ..slices import slice_name
from .assumptions import calibration_change, share_outside
from .binary_metrics import METRICS
from .calibration import (
    ON_THE_CURVE,
    Calibration,
    Offset,
    fit_calibration,
    fit_offset,
    offset_variance,
)
from .confidence_based import estimate_metrics
from .halves import in_halves
from .in_words import LEAST_LABELLED, Assumptions
from .label_scores import LabelledScores
from .large_slices import large_slices
from .sampled_rows import SampledRows
from .score_points import ScorePoints, bin_edges, points_of

_NOTHING = ScorePoints(np.empty(0), np.empty(0), np.empty(0))


def estimate_classification(
    config: EvaluationConfig,
    model: str,
    labelled_scores: SliceStatistics,
    unlabelled_scores: SliceStatistics,
    sample: SampledRows | None,
) -> Estimates:
    """Metrics of the rows without a label, from the scores' calibration on those with one.

    Args:
      labelled_scores, unlabelled_scores: of both kinds of rows, with ``LabelledScores``.
      sample: of the labelled rows, by which the assumption of estimates is checked.
    """
    scores = scores_of(config, model)
    known, asked = scores.points(labelled_scores), scores.points(unlabelled_scores)
    labelled, unlabelled = known.get((), _NOTHING), asked.get((), _NOTHING)
    told = {
        "model": model,
        "method": "confidence_based",
        "rows": int(unlabelled.total),
        "labelled": int(labelled.total),
    }
    assumptions = Assumptions()
    if labelled.total < LEAST_LABELLED:
        assumptions.too_few(int(labelled.total))
        return Estimates(**told, doubts=assumptions.doubts)
    curve = fit_calibration(labelled)
    checks = _checks(config, sample, assumptions)
    assumptions.outside(share_outside(curve, unlabelled))
    rows = {key: int(points.total) for key, points in asked.items()}
    large = large_slices(rows, config.smallest_measured)
    offsets, estimates = (
        _offsets(curve, {key: known.get(key, _NOTHING) for key in {**known, **asked}}),
        [],
    )
    for key in large:
        points = asked[key]
        found = estimate_metrics(curve, points, names_of(config), config.threshold, offsets[key])
        estimates += [
            MetricEstimate(
                slice=slice_name(key),
                metric=name,
                value=metric.value,
                lower=metric.lower,
                upper=metric.upper,
                n=rows[key],
            )
            for name, metric in found.items()
        ]
    return Estimates(
        **told,
        metrics=estimates,
        slices_left_out=len(rows) - len(large),
        checks=checks,
        doubts=assumptions.doubts,
        notes=assumptions.notes,
    )


def scores_of(config: EvaluationConfig, model: str) -> LabelledScores:
    """What is counted of each slice."""
    return LabelledScores(View(model), config.threshold)


def names_of(config: EvaluationConfig) -> list[str]:
    return [name for name in config.metric_names if name in METRICS]


def _offsets(curve: Calibration, slices: dict[SliceKey, ScorePoints]) -> dict[SliceKey, Offset]:
    """Each slice's, drawn towards none by how much slices of the same features differ."""
    alike: dict[tuple[str, ...], list[SliceKey]] = {}
    for key in slices:
        alike.setdefault(tuple(feature for feature, _ in key), []).append(key)
    offsets = {}
    for features, keys in alike.items():
        if not features:
            offsets[()] = ON_THE_CURVE
            continue
        variance = offset_variance(curve, [slices[key] for key in keys])
        offsets |= {key: fit_offset(curve, slices[key], variance) for key in keys}
    return offsets


def _checks(
    config: EvaluationConfig, sample: SampledRows, assumptions: Assumptions
) -> list[EstimateCheck]:
    """The same estimates for the newer labelled rows from the older, beside the real values."""
    halves = in_halves(sample.times)
    if halves is None:
        assumptions.no_times()
        return []
    edges = bin_edges([config.threshold])
    older, newer = (
        points_of(sample.predictions[rows], sample.labels[rows], edges) for rows in halves
    )
    curve = fit_calibration(older)
    assumptions.calibration(calibration_change(curve, newer))
    found = estimate_metrics(curve, newer, names_of(config), config.threshold)
    return [
        EstimateCheck(
            metric=name,
            value=estimate.value,
            lower=estimate.lower,
            upper=estimate.upper,
            real=float(METRICS[name](newer, newer.positives, config.threshold)),
            n=int(newer.total),
        )
        for name, estimate in found.items()
    ]
