"""Requirements on what a candidate is by itself: calibration, and gaps between groups."""

from __future__ import annotations

import math

from ...beam_jobs.reports import CANDIDATE, IN_SERVICE, SliceDifference, SliceReport
from .decision import RuleOutcome, concluded, unknown
from .evidence import overall_metric
from .push_policy import CalibrationBounds, FairnessBound

CALIBRATION = "calibration"


def calibrated(bounds: CalibrationBounds, name: str, report: SliceReport) -> RuleOutcome:
    rule = f"{name}: calibrated"
    comparison = (
        f"calibration from {bounds.min:g} to {bounds.max:g}, or no further from 1 than in service"
    )
    found = overall_metric(report, CALIBRATION, CANDIDATE)
    if found is None or found.value is None:
        missing = f"no {CALIBRATION} of {name}: add it to the metrics"
        return unknown("requirement", rule, comparison, missing)
    before = overall_metric(report, CALIBRATION, IN_SERVICE)
    within = bounds.min <= found.value <= bounds.max
    no_worse = (
        before is not None
        and before.value is not None
        and _from_one(found.value) <= _from_one(before.value)
    )
    side = bounds.min if found.value < 1 else bounds.max
    return concluded(
        "requirement",
        rule,
        {"value": found.value, "lower": found.lower, "upper": found.upper, "n": found.n},
        comparison,
        within or no_worse,
        f"the calibration of {name} is {found.value:.4f}",
        value=found.value,
        threshold=side if within or not no_worse else None,
    )


def fair(bound: FairnessBound, name: str, report: SliceReport) -> RuleOutcome:
    rule = f"{name}: fair in {bound.metric}"
    limits = []
    if bound.max_difference is not None:
        limits.append(f"differs by at most {bound.max_difference:g}")
    if bound.min_ratio is not None:
        limits.append(f"has a ratio of at least {bound.min_ratio:g}")
    comparison = f"{bound.metric} of any two groups {' and '.join(limits)}"
    gaps = {
        model: {
            (gap.slice, gap.against): gap
            for gap in report.between_slices
            if (gap.model, gap.metric) == (model, bound.metric)
        }
        for model in (CANDIDATE, IN_SERVICE)
    }
    if not gaps[CANDIDATE]:
        missing = f"no {bound.metric} between groups: name them in metrics.fairness"
        return unknown("requirement", rule, comparison, missing)
    untold = [pair for pair, gap in gaps[CANDIDATE].items() if gap.difference is None]
    if untold:
        pairs = "; ".join(f"{a} against {b}" for a, b in untold)
        return unknown("requirement", rule, comparison, f"no {bound.metric} of {pairs}")
    unfair = [
        f"{gap.slice} against {gap.against} ({gap.difference:+.4f}"
        + (f", ratio {gap.ratio:.3f})" if gap.ratio is not None else ")")
        for pair, gap in gaps[CANDIDATE].items()
        if _is_beyond(bound, gap) and _is_wider(gap, gaps[IN_SERVICE].get(pair))
    ]
    widest = max(abs(gap.difference) for gap in gaps[CANDIDATE].values())
    decides = bound.max_difference is not None and (widest > bound.max_difference) == bool(unfair)
    return concluded(
        "requirement",
        rule,
        {"pairs": len(gaps[CANDIDATE]), "unfair": unfair},
        comparison,
        not unfair,
        f"{name} treats groups unequally in {bound.metric}: {'; '.join(unfair)}"
        if unfair
        else f"{name} differs by at most {widest:.4f} in {bound.metric} between groups",
        value=widest,
        threshold=bound.max_difference if decides else None,
    )


def _is_beyond(bound: FairnessBound, gap: SliceDifference) -> bool:
    """Beyond a limit, and not by chance alone."""
    if gap.lower is not None and gap.upper is not None and gap.lower <= 0 <= gap.upper:
        return False
    too_different = bound.max_difference is not None and abs(gap.difference) > bound.max_difference
    ratio = min(gap.ratio, 1 / gap.ratio) if gap.ratio else gap.ratio
    return too_different or (
        bound.min_ratio is not None and ratio is not None and ratio < bound.min_ratio
    )


def _is_wider(gap: SliceDifference, before: SliceDifference | None) -> bool:
    if before is None or before.difference is None:
        return True
    return abs(gap.difference) > abs(before.difference)


def _from_one(ratio: float) -> float:
    return abs(math.log(ratio)) if ratio > 0 else math.inf
