"""Requirements on how a candidate differs from the model in service on the same rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from ...beam_jobs.reports import CANDIDATE, MetricChange, SliceReport
from ...beam_jobs.slices import OVERALL
from .decision import RuleOutcome, concluded, unknown
from .evidence import overall_change
from .push_policy import PushPolicy

_outcome = partial(concluded, "requirement")
_unknown = partial(unknown, "requirement")


def better_overall(name: str, report: SliceReport, change: MetricChange | None) -> RuleOutcome:
    rule, metric = f"{name}: better_overall", report.primary_metric
    comparison = f"{metric} better than the model in service, 95 % interval excludes zero"
    if not _is_told(change):
        return _unknown(rule, comparison, f"no paired interval of {metric}")
    _, most = _worsening(change, report.larger_is_better)
    return _outcome(
        rule,
        _shown(change),
        comparison,
        most < 0,
        _words(name, metric, change),
        value=most,
        threshold=0,
    )


def no_worse_overall(
    policy: PushPolicy, name: str, report: SliceReport, change: MetricChange | None
) -> RuleOutcome:
    rule, metric, margin = (
        f"{name}: no_worse_overall",
        report.primary_metric,
        policy.max_slice_regression,
    )
    comparison = (
        f"{metric} not significantly worse than the model in service by more than {margin:g}"
    )
    if not _is_told(change):
        return _unknown(rule, comparison, f"no paired interval of {metric}")
    return _outcome(
        rule,
        _shown(change),
        comparison,
        not _is_worse(margin, report, change),
        _words(name, metric, change),
        value=_worse_by(change, report),
        threshold=margin,
    )


def remembers(margin: float, name: str, report: SliceReport | None) -> RuleOutcome:
    rule = f"{name}: remembers"
    comparison = f"not significantly worse on old rows by more than {margin:g}"
    change = report and overall_change(report, CANDIDATE)
    if not _is_told(change):
        missing = f"no paired interval of {name} on old rows: see old_holdout"
        return _unknown(rule, comparison, missing)
    return _outcome(
        rule,
        _shown(change),
        comparison,
        not _is_worse(margin, report, change),
        f"on old rows {_words(name, report.primary_metric, change)}",
        value=_worse_by(change, report),
        threshold=margin,
    )


def no_slice_worse(
    policy: PushPolicy, name: str, report: SliceReport, changes: Mapping[str, MetricChange]
) -> RuleOutcome:
    """On slices that the policy names it must be told; others where it cannot are named."""
    rule = f"{name}: no_slice_worse"
    comparison = (
        f"no guarded slice significantly worse by more than {policy.max_slice_regression:g}"
    )
    if policy.slice_margins:
        own = ", ".join(f"{slice_}: {m:g}" for slice_, m in policy.slice_margins.items())
        comparison += f" ({own})"
    missing = [slice_ for slice_ in policy.slice_margins if not _is_told(changes.get(slice_))]
    if missing:
        lacking = f"no paired interval of {report.primary_metric} on {'; '.join(missing)}"
        return _unknown(rule, comparison, lacking)
    guarded = {
        slice_: change
        for slice_, change in changes.items()
        if slice_ != OVERALL and policy.guards_slice(slice_)
    }
    told = {slice_: change for slice_, change in guarded.items() if _is_told(change)}
    worse = {
        slice_: change
        for slice_, change in told.items()
        if _is_worse(policy.margin(slice_), report, change)
    }
    listed = [f"{s} ({c.difference:+.4f} on {c.n} rows)" for s, c in worse.items()]
    untold = sorted(guarded.keys() - told)
    found = (
        f"{name} is worse on {'; '.join(listed)}"
        if worse
        else f"{name} is worse on none of {len(told)} guarded slices"
    )
    if untold:
        found += f"; it cannot be told on {'; '.join(untold)}"
    nearest = max(told, key=lambda s: _worse_by(told[s], report) - policy.margin(s), default=None)
    return _outcome(
        rule,
        {"slices": len(guarded), "worse": listed, "untold": untold},
        comparison,
        not worse,
        found,
        value=_worse_by(told[nearest], report) if nearest else None,
        threshold=policy.margin(nearest) if nearest else None,
    )


def _is_told(change: MetricChange | None) -> bool:
    return change is not None and None not in (change.difference, change.lower, change.upper)


def _shown(change: MetricChange) -> dict[str, Any]:
    return {"difference": change.difference, "lower": change.lower, "upper": change.upper}


def _words(name: str, metric: str, change: MetricChange) -> str:
    return (
        f"{name} changes {metric} by {change.difference:+.4f} [{change.lower:+.4f}, "
        f"{change.upper:+.4f}] against the model in service on {change.n} rows"
    )


def _is_worse(margin: float, report: SliceReport, change: MetricChange) -> bool:
    least, _ = _worsening(change, report.larger_is_better)
    return _worse_by(change, report) > margin and least > 0


def _worse_by(change: MetricChange, report: SliceReport) -> float:
    return -change.difference if report.larger_is_better else change.difference


def _worsening(change: MetricChange, larger_is_better: bool) -> tuple[float, float]:
    """The interval of how much worse it is."""
    if larger_is_better:
        return -change.upper, -change.lower
    return change.lower, change.upper
