"""From comparisons to one report: what drifted, why, how serious it is, what to do."""

from __future__ import annotations

from collections.abc import Sequence

from ...beam_jobs.reports import Comparison, DriftFinding, DriftReport, SchemaAnomaly
from .changes import name_of
from .config import DriftConfig
from .evidence import Evidence
from .findings import findings, times_threshold
from .severity import worst


def drift_report(
    comparisons: Sequence[Comparison],
    anomalies: Sequence[SchemaAnomaly],
    not_compared: Sequence[str],
    config: DriftConfig,
    evidence: Evidence = Evidence(),  # noqa: B008
) -> DriftReport:
    """The report; findings, drifted features and their comparisons come worst first."""
    comparisons = sorted(comparisons, key=_identity)
    drifted = [comparison for comparison in comparisons if comparison.verdict == "drift"]
    drifted.sort(key=times_threshold, reverse=True)
    others = [comparison for comparison in comparisons if comparison.verdict != "drift"]
    found = findings(comparisons, anomalies, config, evidence)
    return DriftReport(
        drift=bool(drifted),
        severity=worst(finding.severity for finding in found),
        drifted_features=list(dict.fromkeys(name_of(comparison) for comparison in drifted)),
        findings=found,
        prediction_change=evidence.prediction_change,
        errors=list(evidence.errors),
        comparisons=[*drifted, *others],
        anomalies=list(anomalies),
        not_compared=list(dict.fromkeys(not_compared)),
        recommendation=recommendation(found, others),
    )


def recommendation(found: Sequence[DriftFinding], others: Sequence[Comparison]) -> str:
    """The worst finding and what to do about it; without one, what was compared at all."""
    if found:
        more = len(found) - 1
        rest = f" {more} more finding{'s' * (more > 1)}." if more else ""
        return f"{found[0].sentence} {found[0].action}{rest}"
    made = sum(comparison.verdict == "ok" for comparison in others)
    if not made:
        return "Nothing could be compared, so drift is unknown: give a baseline with enough rows."
    return f"No action: none of {made} comparisons exceeded its threshold."


def _identity(comparison: Comparison) -> tuple[str, ...]:
    """Beam finishes slices in any order; the same statistics give the same report."""
    return tuple(
        getattr(comparison, key)
        for key in ("feature", "aspect", "slice", "against", "split", "distance")
    )
