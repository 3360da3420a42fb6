"""Triggers: the reasons to retrain. Each looks at the evidence and says yes, no or cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .conditions import of_term
from .decision import RuleOutcome, concluded, unknown
from .erasures import owed
from .evidence import Past, Reports
from .metric_triggers import estimated_drop, metric_bound, metric_drop, promise
from .time_triggers import max_age, new_labelled_rows, schedule
from .trigger_policy import DriftTrigger, ErasureTrigger, OtherVersions, TriggerRules, Triggers

ON_DEMAND = "on_demand"
ERASURE = "erasure"
_SEVERITIES = ("none", "watch", "act")

_outcome = partial(concluded, "trigger")
_unknown = partial(unknown, "trigger")


def triggers(
    policy: Triggers, reports: Reports, past: Past, on_demand: bool
) -> Iterator[RuleOutcome]:
    """Every trigger that is switched on, in a fixed order."""
    if on_demand:
        asked = "retraining was asked for by hand"
        yield _outcome(ON_DEMAND, {}, "asked for", True, asked, then="retrain")
    yield from _single(policy, reports, past)
    for term in policy.combined:
        found = of_term(term, partial(_single, reports=reports, past=past))
        yield found.model_copy(update={"then": term.then or found.then or "retrain"})
    if reports.drift and reports.drift.severity != "none":
        found = reports.drift.recommendation
        yield _outcome("drift_seen", {}, "any drift at all", True, found, then="watch")


def _single(rules: TriggerRules, reports: Reports, past: Past) -> Iterator[RuleOutcome]:
    if rules.drift:
        yield drift(rules.drift, reports, past)
    if rules.metric_drop:
        yield metric_drop(rules.metric_drop, reports, past)
    if rules.estimated_drop:
        yield estimated_drop(rules.estimated_drop, reports, past)
    if rules.promise:
        yield promise(rules.promise, reports, past)
    for bound in rules.metric_bounds:
        yield metric_bound(bound, reports)
    if rules.new_labelled_rows:
        yield new_labelled_rows(rules.new_labelled_rows, reports, past)
    if rules.max_age_days:
        yield max_age(rules.max_age_days, past)
    if rules.schedule:
        yield schedule(rules.schedule, past)
    if rules.other_versions:
        yield other_versions(rules.other_versions, reports, past)
    if rules.erasure:
        yield erasure(rules.erasure, past)


def drift(rule: DriftTrigger, reports: Reports, past: Past) -> RuleOutcome:
    comparison = f"severity >= {rule.severity} in {rule.spans} span(s) in a row"
    if reports.drift is None:
        return _unknown("drift", comparison, "no drift report")
    severities = (reports.drift.severity, *past.severities)[: rule.spans]
    inputs = {
        "severities": list(severities),
        "drifted_features": reports.drift.drifted_features,
        "not_compared": reports.drift.not_compared,
    }
    if reports.drift.not_compared and not reports.drift.comparisons:
        return _unknown("drift", comparison, "; ".join(reports.drift.not_compared))
    bad_enough = _SEVERITIES[_SEVERITIES.index(rule.severity) :]
    fired = len(severities) == rule.spans and all(s in bad_enough for s in severities)
    features = ", ".join(reports.drift.drifted_features) or "no feature"
    found = f"drift severity is {reports.drift.severity} ({features})"
    return _outcome("drift", inputs, comparison, fired, found, then=rule.then)


def other_versions(rule: OtherVersions, reports: Reports, past: Past) -> RuleOutcome:
    comparison = f"rows of other versions than the one in service > {rule.max_share:.1%}"
    if reports.ingest is None or not reports.ingest.model_versions:
        return _unknown("other_versions", comparison, "the logs name no model version")
    if not past.versions:
        return _unknown("other_versions", comparison, "no model in service is known")
    found = reports.ingest.model_versions
    rows = sum(found.values())
    share = sum(n for version, n in found.items() if version not in past.versions) / rows
    expected = " or ".join(past.versions)
    return _outcome(
        "other_versions",
        {"versions": found, "expected": list(past.versions)},
        comparison,
        share > rule.max_share,
        f"{share:.1%} of {rows} rows were answered by another version than {expected}",
        value=share,
        threshold=rule.max_share,
        then=rule.then,
    )


def erasure(rule: ErasureTrigger, past: Past) -> RuleOutcome:
    comparison = f"an erased person is out of the model within {rule.deadline_days:g} days"
    if not past.erasures:
        return _outcome(ERASURE, {}, comparison, False, "nobody it learned from was erased since")
    days = rule.deadline_days
    due = min(each.due(days) for each in past.erasures)
    left = (due - past.now).total_seconds() / 86400
    inputs = {
        "model": past.erasures[0].model,
        "receipts": [each.receipt for each in past.erasures],
        "due": due.isoformat(),
    }
    return _outcome(
        ERASURE,
        inputs,
        comparison,
        True,
        owed(past.erasures, days, past.now),
        then="retrain_urgently" if left <= rule.urgent_days else "retrain",
    )
