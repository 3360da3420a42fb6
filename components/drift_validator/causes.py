"""Why a finding is there, as far as the data tell, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...beam_jobs.reports import Comparison, DriftFinding, PredictionChange, SchemaAnomaly
from ...beam_jobs.slices import OVERALL
from .changes import Subject, subject_of
from .config import DriftConfig
from .evidence import Evidence
from .root_cause import is_clear, shares
from .words import listed, percent

_ALL_GONE = 0.99
_WORTH_NAMING = 0.1
_SEASONS = {"weekday": "the same weekday", "month": "the same month of earlier years"}


def cause(
    found: DriftFinding,
    subject: Subject | None,
    comparisons: Sequence[Comparison],
    drifted_inputs: Sequence[str],
    anomalies: Iterable[SchemaAnomaly],
    config: DriftConfig,
    evidence: Evidence,
) -> str | None:
    """One sentence, of the first reason that applies; None where the data tell none.

    Args:
      found: without cause and action yet.
      subject: what its comparisons have in common; None where it is of the schema check.
      comparisons: all of the report.
      drifted_inputs: inputs that drifted on all rows.
    """
    of_model = found.feature == config.prediction or found.kind in ("errors_rose", "errors_fell")
    told = [a.description for a in anomalies if a.feature == found.feature]
    if found.seasonal:
        return f"The season: against spans of {_SEASONS[found.seasonal]} there is no such change."
    if told and found.kind in ("broken", "new_values", "more_missing"):
        return f"The schema check says: {told[0]}"
    if of_model and evidence.new_version:
        return _version(evidence)
    if found.feature == config.prediction and evidence.prediction_change:
        explained = _explained(evidence.prediction_change)
        if explained:
            return explained
    if found.kind == "more_missing" and _all_gone(found, comparisons):
        return "Its source stopped sending it."
    if subject and (only := _only_slices(found, subject, comparisons, config.slices)):
        return only
    if found.feature == config.label or found.kind == "errors_rose":
        if drifted_inputs:
            return f"Inputs changed with it: {listed(drifted_inputs)}."
        return "No input drifted on all rows: what inputs say about the label may have changed."
    return None


def action(found: DriftFinding, config: DriftConfig, evidence: Evidence) -> str:
    """What to do next about one finding, its severity being known."""
    of_model = found.feature == config.prediction or found.kind in ("errors_rose", "errors_fell")
    if found.kind == "broken":
        return f"Repair {found.feature} upstream first; do not train on this span."
    if found.seasonal:
        return "Nothing now; let the training data cover such spans."
    if of_model and evidence.new_version:
        version = evidence.new_version.version
        return f"Compare model version {version} with the one before; roll back if it is worse."
    if found.kind in ("more_rows", "fewer_rows"):
        return "Check that the log is complete, and what sends the traffic."
    if found.severity == "watch":
        return "Watch the next span."
    if found.kind == "more_missing":
        return f"Ask what sends {found.feature} why it is missing; retrain only if it stays so."
    if found.kind == "new_values":
        return "Map the new values upstream, or retrain on rows that have them."
    if found.kind == "errors_rose":
        since = f" since {found.since}" if found.since else ""
        return f"Retrain on the rows{since}."
    return "Look for the cause upstream, and retrain if the change is real."


def _version(evidence: Evidence) -> str:
    new = evidence.new_version
    since = f" since {new.since:%Y-%m-%d %H:%M}" if new.since else ""
    return (
        f"Model version {new.version} answers {percent(new.now)} of the rows{since}, "
        f"{percent(new.before)} before."
    )


def _explained(change: PredictionChange) -> str | None:
    if not is_clear(change):
        return None
    whole = change.current - change.baseline
    verb = "rise" if whole > 0 else "fall"
    what = f"the share of {change.predicted}" if change.predicted else "its mean"
    named = [
        f"{name} explains {percent(share)} (± {percent(2 * error)})"
        for name, (share, error) in shares(change).items()
        if share >= _WORTH_NAMING and share > 2 * error
    ]
    rest = change.unexplained / whole
    if not named or rest > 0.5:
        named.append(f"the inputs leave {percent(rest)} unexplained")
    return f"Of the {verb} of {what} by {abs(whole):.3g}, {listed(named)}."


def _all_gone(found: DriftFinding, comparisons: Sequence[Comparison]) -> bool:
    return any(
        c.distribution is not None and c.distribution.current[0] >= _ALL_GONE
        for c in comparisons
        if c.feature == found.feature
        and c.distance == "missing_rate_difference"
        and c.slice == OVERALL
        and c.verdict == "drift"
    )


def _only_slices(
    found: DriftFinding,
    subject: Subject,
    comparisons: Sequence[Comparison],
    specs: Sequence[Sequence[str]],
) -> str | None:
    """Where few slices changed, not the whole, and their neighbours, which could have shown it,
    did not."""
    if OVERALL in found.slices:
        return None
    own = [c for c in comparisons if subject_of(c)._replace(slice="") == subject]
    for spec in specs:
        here = [c for c in own if _is_of(c.slice, spec)]
        changed = {c.slice: c for c in here if c.verdict == "drift" and c.slice in found.slices}
        if not changed:
            continue
        felt = {
            (c.distance, c.against): min(
                d.value
                for d in changed.values()
                if (d.distance, d.against) == (c.distance, c.against)
            )
            for c in changed.values()
        }
        spared = {
            c.slice
            for c in here
            if c.verdict == "ok" and c.threshold < felt.get((c.distance, c.against), 0.0)
        } - {c.slice for c in here if c.verdict == "drift"}
        if len(changed) <= len(spared):
            by = " and ".join(spec)
            return (
                f"Only rows where {listed(sorted(changed))} changed; {len(spared)} other "
                f"slice{'s' * (len(spared) > 1)} by {by} did not."
            )
    return None


def _is_of(name: str, spec: Sequence[str]) -> bool:
    """Whether a slice's name is of the crossing ``spec``, the coarsest being asked first."""
    keys = [part.split("=", 1)[0] for part in name.split(", ") if "=" in part]
    return keys == list(spec)
