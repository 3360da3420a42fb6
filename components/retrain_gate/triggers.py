"""Triggers: the reasons to retrain. Each looks at the evidence and says yes, no or cannot tell."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ...beam_jobs.reports import LOGGED, SliceMetric
from .decision import RuleOutcome, concluded, unknown
from .erasures import owed
from .evidence import Past, Reports, find_metric, overall_metric
from .policy import DriftTrigger, ErasureTrigger, MetricBound, MetricDrop, Triggers

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
        yield _outcome(ON_DEMAND, {}, "asked for", True, "retraining was asked for by hand")
    if policy.drift:
        yield drift(policy.drift, reports, past)
    if policy.metric_drop:
        yield metric_drop(policy.metric_drop, reports, past)
    for bound in policy.metric_bounds:
        yield metric_bound(bound, reports)
    if policy.new_labelled_rows:
        yield new_labelled_rows(policy.new_labelled_rows, reports, past)
    if policy.max_age_days:
        yield max_age(policy.max_age_days, past)
    if policy.erasure:
        yield erasure(policy.erasure, past)


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
    return _outcome("drift", inputs, comparison, fired, found)


def metric_drop(rule: MetricDrop, reports: Reports, past: Past) -> RuleOutcome:
    comparison = f"worse than when put in service by more than {rule.margin:g}, interval and all"
    if reports.slices is None:
        return _unknown("metric_drop", comparison, "no slice report")
    name, larger_is_better = reports.slices.primary_metric, reports.slices.larger_is_better
    now = overall_metric(reports.slices, name, LOGGED)
    if now is None or now.value is None:
        return _unknown("metric_drop", comparison, f"no {name} of logged predictions")
    if past.reference is None or past.reference.value is None:
        return _unknown(
            "metric_drop", comparison, f"no {name} from when the model was put in service"
        )
    reference = past.reference.value
    lower, upper = _interval(now)
    worse_by = reference - upper if larger_is_better else lower - reference
    inputs = {"metric": name, "reference": reference, **_shown(now)}
    found = (
        f"{name} is {now.value:.4f} [{lower:.4f}, {upper:.4f}] on {now.n} rows, "
        f"it was {reference:.4f} when the model was put in service"
    )
    return _outcome("metric_drop", inputs, comparison, worse_by > rule.margin, found)


def metric_bound(rule: MetricBound, reports: Reports) -> RuleOutcome:
    label = f"metric_bound {rule.metric}" + ("" if rule.slice == "overall" else f" @ {rule.slice}")
    sides = [
        f"< {rule.min:g}" if rule.min is not None else "",
        f"> {rule.max:g}" if rule.max is not None else "",
    ]
    comparison = f"whole interval {' or '.join(filter(None, sides))}"
    if reports.slices is None:
        return _unknown(label, comparison, "no slice report")
    now = find_metric(reports.slices, rule.metric, LOGGED, rule.slice)
    if now is None or now.value is None:
        return _unknown(
            label, comparison, f"no {rule.metric} of logged predictions on {rule.slice}"
        )
    lower, upper = _interval(now)
    low = rule.min is not None and upper < rule.min
    high = rule.max is not None and lower > rule.max
    found = f"{rule.metric} on {rule.slice} is {now.value:.4f} [{lower:.4f}, {upper:.4f}]"
    return _outcome(label, _shown(now), comparison, low or high, found)


def new_labelled_rows(least: int, reports: Reports, past: Past) -> RuleOutcome:
    comparison = f">= {least}"
    if reports.slices is None:
        return _unknown("new_labelled_rows", comparison, "no slice report")
    rows = past.unlearned_rows + reports.slices.rows
    found = f"{rows} labelled rows since the model in service was trained"
    return _outcome("new_labelled_rows", {"rows": rows}, comparison, rows >= least, found)


def max_age(days: float, past: Past) -> RuleOutcome:
    comparison = f"> {days:g} days"
    if past.in_service_since is None:
        return _unknown("max_age", comparison, "unknown since when the model is in service")
    age = (past.now - past.in_service_since).total_seconds() / 86400
    found = f"the model has been in service for {age:.0f} days"
    return _outcome("max_age", {"days": age}, comparison, age > days, found)


def erasure(rule: ErasureTrigger, past: Past) -> RuleOutcome:
    comparison = f"an erased person is out of the model within {rule.deadline_days:g} days"
    if not past.erasures:
        return _outcome(ERASURE, {}, comparison, False, "nobody it learned from was erased since")
    days = rule.deadline_days
    inputs = {
        "model": past.erasures[0].model,
        "receipts": [each.receipt for each in past.erasures],
        "due": min(each.due(days) for each in past.erasures).isoformat(),
    }
    return _outcome(ERASURE, inputs, comparison, True, owed(past.erasures, days, past.now))


def _interval(metric: SliceMetric) -> tuple[float, float]:
    lower = metric.value if metric.lower is None else metric.lower
    upper = metric.value if metric.upper is None else metric.upper
    return lower, upper


def _shown(metric: SliceMetric) -> dict[str, float | int | None]:
    return {"value": metric.value, "lower": metric.lower, "upper": metric.upper, "n": metric.n}
