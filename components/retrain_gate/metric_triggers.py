"""Triggers that look at how good the model in service is, or is estimated to be."""

from __future__ import annotations

from functools import partial

from ...beam_jobs.reports import LOGGED, MetricEstimate, SliceMetric, SliceReport
from ...beam_jobs.slices import OVERALL
from .decision import RuleOutcome, concluded, unknown
from .evidence import Past, Reports, find_metric, overall_metric
from .trigger_policy import EstimatedDrop, MetricBound, MetricDrop, Promise

_outcome = partial(concluded, "trigger")
_unknown = partial(unknown, "trigger")


def metric_drop(rule: MetricDrop, reports: Reports, past: Past) -> RuleOutcome:
    comparison = f"worse than when put in service by more than {rule.margin:g}, interval and all"
    missing = _missing(reports, past)
    if missing:
        return _unknown("metric_drop", comparison, missing)
    now = _of_model_in_service(reports.slices)
    reference = past.reference.value
    earlier = f"it was {reference:.4f} when the model was put in service"
    return _dropped("metric_drop", rule, comparison, reports, now, reference, earlier)


def promise(rule: Promise, reports: Reports, past: Past) -> RuleOutcome:
    comparison = (
        f"worse than promised by more than {rule.margin:g} between the intervals, "
        f"within {rule.spans} spans of the push"
    )
    served = past.spans_since_push
    if served is None or served > rule.spans:
        since = "was not pushed from here" if served is None else f"is in its span {served}"
        return _outcome("promise", {}, comparison, False, f"the model in service {since}")
    missing = _missing(reports, past)
    if missing:
        return _unknown("promise", comparison, missing)
    now = _of_model_in_service(reports.slices)
    lower, upper = _interval(past.reference)
    promised = lower if reports.slices.larger_is_better else upper
    least = "least" if reports.slices.larger_is_better else "most"
    earlier = f"at {least} {promised:.4f} was promised when the model was pushed"
    return _dropped("promise", rule, comparison, reports, now, promised, earlier)


def estimated_drop(rule: EstimatedDrop, reports: Reports, past: Past) -> RuleOutcome:
    comparison = (
        f"estimated to be worse than when put in service by more than {rule.margin:g}, band and all"
    )
    unknown_ = partial(_unknown, "estimated_drop", comparison)
    if reports.slices is None or reports.slices.estimates is None:
        return unknown_("no estimates")
    if missing := _without_reference(reports, past):
        return unknown_(missing)
    estimates = reports.slices.estimates
    if estimates.doubts:
        return unknown_(f"the estimate is in doubt: {'; '.join(estimates.doubts)}")
    name = reports.slices.primary_metric
    missed = [m.span for m in reports.slices.matured if m.metric == name and not m.held]
    if missed:
        return unknown_(f"labels have shown the estimate of {missed[-1]} to be wrong")
    for found in estimates.metrics:
        if (found.slice, found.metric) == (OVERALL, name):
            reference = past.reference.value
            earlier = f"estimated; it was {reference:.4f} when the model was put in service"
            return _dropped("estimated_drop", rule, comparison, reports, found, reference, earlier)
    return unknown_(f"no estimate of {name}")


def metric_bound(rule: MetricBound, reports: Reports) -> RuleOutcome:
    label = f"metric_bound {rule.metric}" + ("" if rule.slice == OVERALL else f" @ {rule.slice}")
    below = [f"< {rule.min:g}"] if rule.min is not None else []
    above = [f"> {rule.max:g}"] if rule.max is not None else []
    comparison = f"whole interval {' or '.join(below + above)}"
    if reports.slices is None:
        return _unknown(label, comparison, "no slice report")
    now = find_metric(reports.slices, rule.metric, LOGGED, rule.slice)
    if now is None or now.value is None:
        return _unknown(
            label, comparison, f"no {rule.metric} of logged predictions on {rule.slice}"
        )
    lower, upper = _interval(now)
    sides = []
    if rule.min is not None:
        sides.append((upper - rule.min, upper, rule.min))
    if rule.max is not None:
        sides.append((rule.max - lower, lower, rule.max))
    room, value, bound = min(sides)
    return _outcome(
        label,
        _shown(now),
        comparison,
        room < 0,
        f"{rule.metric} on {rule.slice} is {now.value:.4f} [{lower:.4f}, {upper:.4f}]",
        value=value,
        threshold=bound,
        then=rule.then,
    )


def _dropped(
    label: str,
    rule: MetricDrop | Promise | EstimatedDrop,
    comparison: str,
    reports: Reports,
    now: SliceMetric | MetricEstimate,
    reference: float,
    earlier: str,
) -> RuleOutcome:
    """Whether the better end of ``now`` is worse than ``reference`` by more than the margin."""
    lower, upper = _interval(now)
    larger_is_better = reports.slices.larger_is_better
    if larger_is_better:
        better_end, threshold = upper, reference - rule.margin
        fired = better_end < threshold
    else:
        better_end, threshold = lower, reference + rule.margin
        fired = better_end > threshold
    return _outcome(
        label,
        {"metric": reports.slices.primary_metric, "reference": reference, **_shown(now)},
        comparison,
        fired,
        f"{reports.slices.primary_metric} is {now.value:.4f} [{lower:.4f}, {upper:.4f}] "
        f"on {now.n} rows, {earlier}",
        value=better_end,
        threshold=threshold,
        then=rule.then,
    )


def _missing(reports: Reports, past: Past) -> str | None:
    """What of the two numbers to compare is not there."""
    if reports.slices is None:
        return "no slice report"
    name = reports.slices.primary_metric
    now = _of_model_in_service(reports.slices)
    if now is None or now.value is None:
        since = "" if reports.slices.since_push is None else " since the newest push"
        return f"no {name} of logged predictions{since}"
    return _without_reference(reports, past)


def _without_reference(reports: Reports, past: Past) -> str | None:
    """Why there is nothing to hold the primary metric against."""
    name = reports.slices.primary_metric
    if past.reference is None or past.reference.value is None:
        return f"no {name} from when the model was put in service"
    if past.reference.metric != name:
        return f"when the model was put in service it was judged by {past.reference.metric}"
    return None


def _of_model_in_service(report: SliceReport) -> SliceMetric | None:
    """The primary metric, without requests that its predecessor answered."""
    if report.since_push is None:
        return overall_metric(report, report.primary_metric, LOGGED)
    return next((m for m in report.since_push if m.metric == report.primary_metric), None)


def _interval(metric: SliceMetric | MetricEstimate) -> tuple[float, float]:
    lower = metric.value if metric.lower is None else metric.lower
    upper = metric.value if metric.upper is None else metric.upper
    return lower, upper


def _shown(metric: SliceMetric | MetricEstimate) -> dict[str, float | int | None]:
    return {"value": metric.value, "lower": metric.lower, "upper": metric.upper, "n": metric.n}
