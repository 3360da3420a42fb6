"""From comparisons to one report: what drifted, how serious it is, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ...beam_jobs.reports import Comparison, DriftReport, SchemaAnomaly
from ...beam_jobs.slices import OVERALL
from .config import DriftConfig

NAMED = 3


def drift_report(
    comparisons: Sequence[Comparison],
    anomalies: Sequence[SchemaAnomaly],
    not_compared: Sequence[str],
    config: DriftConfig,
) -> DriftReport:
    """The report; drifted features and their comparisons come worst first."""
    comparisons = sorted(comparisons, key=_identity)
    drifted = sorted((c for c in comparisons if c.verdict == "drift"), key=_ratio, reverse=True)
    others = [comparison for comparison in comparisons if comparison.verdict != "drift"]
    severity = severity_of(drifted, anomalies, config)
    return DriftReport(
        drift=bool(drifted),
        severity=severity,
        drifted_features=list(dict.fromkeys(comparison.feature for comparison in drifted)),
        comparisons=[*drifted, *others],
        anomalies=list(anomalies),
        not_compared=list(dict.fromkeys(not_compared)),
        recommendation=recommendation(severity, drifted, others, anomalies),
    )


def severity_of(
    drifted: Sequence[Comparison], anomalies: Sequence[SchemaAnomaly], config: DriftConfig
) -> Literal["none", "watch", "act"]:
    """``act``: the prediction or the label drifted on the whole, or ``act_features`` features
    did, or a feature is missing or of another type. ``watch``: any other drift."""
    overall = {comparison.feature for comparison in drifted if comparison.slice == OVERALL}
    critical = {config.prediction, config.label} & overall
    broken = any(anomaly.severity == "error" for anomaly in anomalies)
    if critical or broken or len(overall) >= config.act_features:
        return "act"
    return "watch" if drifted else "none"


def recommendation(
    severity: Literal["none", "watch", "act"],
    drifted: Sequence[Comparison],
    others: Sequence[Comparison],
    anomalies: Sequence[SchemaAnomaly],
) -> str:
    """One sentence: the next step, and the worst features and slices by value / threshold."""
    broken = [anomaly.feature for anomaly in anomalies if anomaly.severity == "error"]
    if broken:
        names = ", ".join(dict.fromkeys(broken))
        return f"Repair the data before anything else: {names} missing or of another type."
    worst = ", ".join(_described(comparison) for comparison in drifted[:NAMED])
    if severity == "act":
        return f"Look for the cause upstream, and retrain if the change is real: {worst}."
    if severity == "watch":
        return f"Watch the next span: {worst}."
    made = sum(comparison.verdict == "ok" for comparison in others)
    if not made:
        return "Nothing could be compared, so drift is unknown: give a baseline with enough rows."
    return f"No action: none of {made} comparisons exceeded its threshold."


def _identity(comparison: Comparison) -> tuple[str, ...]:
    """Beam finishes slices in any order; the same statistics give the same report."""
    return tuple(
        getattr(comparison, key) for key in ("feature", "slice", "against", "split", "distance")
    )


def _ratio(comparison: Comparison) -> float:
    return comparison.value / max(comparison.threshold, 1e-12)


def _described(comparison: Comparison) -> str:
    where = "" if comparison.slice == OVERALL else f" where {comparison.slice}"
    return (
        f"{comparison.feature}{where} ({comparison.distance.replace('_', ' ')} "
        f"{comparison.value:.3g} against {comparison.against}, "
        f"{_ratio(comparison):.1f} times its threshold)"
    )
