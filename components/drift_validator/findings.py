"""From comparisons to findings: one for each change of one aspect of one feature."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ...beam_jobs.reports import Comparison, DriftFinding, SchemaAnomaly
from ...beam_jobs.slices import OVERALL
from .causes import action, cause
from .changes import Subject, change_of, subject_of
from .config import DriftConfig
from .evidence import Evidence
from .persistence import lasting
from .root_cause import shares
from .seasonality import explained_by
from .severity import SEVERITIES, severity_of
from .words import sentence

_ORDER = {against: i for i, against in enumerate(("training", "reference", "previous"))}


def findings(
    comparisons: Sequence[Comparison],
    anomalies: Sequence[SchemaAnomaly],
    config: DriftConfig,
    evidence: Evidence,
) -> list[DriftFinding]:
    """Every finding, the worst first: by severity, then by what it explains, then by size."""
    groups: dict[Subject, list[Comparison]] = defaultdict(list)
    for comparison in comparisons:
        if comparison.verdict == "drift":
            groups[subject_of(comparison)._replace(slice="")].append(comparison)
    broken = [(None, _broken(feature, of)) for feature, of in _errors(anomalies).items()]
    gone = {found.feature for _, found in broken}
    made = [
        (subject, _finding(subject, drifted, comparisons, evidence))
        for subject, drifted in groups.items()
        if not (subject.family == "missing" and subject.feature in gone)
    ]
    outcomes = (config.prediction, config.label, "*")
    whole = [
        found.feature
        for subject, found in made
        if OVERALL in found.slices and subject.family in ("values", "missing")
    ]
    inputs = [feature for feature in dict.fromkeys(whole) if feature not in outcomes]
    done = []
    for subject, found in (*broken, *made):
        because = cause(found, subject, comparisons, inputs, anomalies, config, evidence)
        found = found.model_copy(update={"cause": because, "severity": severity_of(found, config)})
        done.append(found.model_copy(update={"action": action(found, config, evidence)}))
    return sorted(done, key=_badness)


def _finding(
    subject: Subject,
    drifted: Sequence[Comparison],
    comparisons: Sequence[Comparison],
    evidence: Evidence,
) -> DriftFinding:
    whole = [c for c in drifted if c.slice == OVERALL]
    shown = max(whole or drifted, key=lambda c: (times_threshold(c), -_ORDER[c.against], c.slice))
    change = change_of(shown)
    slices = sorted({c.slice for c in drifted}, key=lambda name: (name != OVERALL, name))
    spans, since = _in_a_row(subject, drifted, evidence)
    detail = shown.detail
    if detail and detail.since:
        since = detail.since.strftime("%Y-%m-%d %H:%M")
    explained = shares(evidence.prediction_change) if evidence.prediction_change else {}
    share, error = explained.get(subject.feature, (None, None))
    return DriftFinding(
        feature=subject.feature,
        aspect=subject.aspect,
        kind=change.kind,
        slices=slices,
        against=sorted({c.against for c in drifted}, key=_ORDER.get),
        severity="watch",
        times_threshold=times_threshold(shown),
        spans=spans,
        since=since,
        seasonal=explained_by(drifted, evidence.seasons, evidence.others),
        explains_prediction=share,
        explains_prediction_error=error,
        separates=_separates(subject.feature, comparisons),
        sentence=sentence(shown, subject.aspect, change, slices, spans, since),
        action="",
    )


def _in_a_row(
    subject: Subject, drifted: Sequence[Comparison], evidence: Evidence
) -> tuple[int, str | None]:
    """Spans in a row with the change on the whole; where the whole has none, on any slice."""
    now = lasting(drifted)
    places = [s for s in now if s.slice == OVERALL] or list(now)
    most, since = 1, None
    for place in places:
        spans = 1
        for name, changed in evidence.earlier:
            if place not in changed:
                break
            spans += 1
            if spans > most:
                most, since = spans, name
    return most, since


def _broken(feature: str, anomalies: Sequence[SchemaAnomaly]) -> DriftFinding:
    kinds = " and ".join(dict.fromkeys(a.kind.replace("_", " ") for a in anomalies))
    return DriftFinding(
        feature=feature,
        kind="broken",
        slices=list(dict.fromkeys(a.slice for a in anomalies)),
        against=["training"],
        severity="act",
        sentence=f"{feature} breaks the schema: {kinds}.",
        action="",
    )


def _errors(anomalies: Iterable[SchemaAnomaly]) -> dict[str, list[SchemaAnomaly]]:
    broken: dict[str, list[SchemaAnomaly]] = {}
    for anomaly in anomalies:
        if anomaly.severity == "error":
            broken.setdefault(anomaly.feature, []).append(anomaly)
    return broken


def _separates(feature: str, comparisons: Iterable[Comparison]) -> float | None:
    told = [
        c.detail.importance[feature]
        for c in comparisons
        if c.verdict == "drift" and c.detail and feature in c.detail.importance
    ]
    return max(told, default=None)


def times_threshold(comparison: Comparison) -> float:
    return comparison.value / max(comparison.threshold, 1e-12)


def _badness(found: DriftFinding) -> tuple:
    return (
        -SEVERITIES.index(found.severity),
        found.kind != "broken",
        -abs(found.explains_prediction or 0),
        -(found.separates or 0),
        -(found.times_threshold or 0),
        found.feature,
        found.aspect,
        found.kind,
    )
