"""Requirements: what a candidate must show before it may be pushed."""

from __future__ import annotations

from collections.abc import Sequence

from ...beam_jobs.reports import CANDIDATE, MetricChange, SliceReport
from ...beam_jobs.slices import OVERALL
from ..history import FINE_TUNED
from .decision import RuleOutcome, concluded, unknown
from .erasures import Erasure
from .push_policy import PushPolicy


def requirements(
    policy: PushPolicy, name: str, report: SliceReport, erasures: Sequence[Erasure]
) -> list[RuleOutcome]:
    """Every requirement of one candidate, in a fixed order."""
    changes = {
        c.slice: c
        for c in report.changes
        if c.metric == report.primary_metric and c.model == CANDIDATE
    }
    overall = changes.get(OVERALL)
    return [
        _no_worse_overall(policy, name, report, overall)
        if erasures
        else _better_overall(name, report, overall),
        _no_slice_worse(policy, name, report, changes),
        _enough_rows(policy, name, report),
        *([_forgets(name, erasures)] if erasures else []),
    ]


def _enough_rows(policy: PushPolicy, name: str, report: SliceReport) -> RuleOutcome:
    return concluded(
        "requirement",
        f"{name}: enough_rows",
        {"rows": report.rows},
        f">= {policy.min_rows}",
        report.rows >= policy.min_rows,
        f"{name} was judged on {report.rows} held-out rows, {policy.min_rows} are required",
    )


def _better_overall(name: str, report: SliceReport, change: MetricChange | None) -> RuleOutcome:
    rule, metric = f"{name}: better_overall", report.primary_metric
    comparison = f"{metric} better than the model in service, 95 % interval excludes zero"
    if change is None or change.difference is None or change.lower is None or change.upper is None:
        return unknown("requirement", rule, comparison, f"no paired interval of {metric}")
    _, worse_upper = _worsening(change, report.larger_is_better)
    return concluded(
        "requirement",
        rule,
        {"difference": change.difference, "lower": change.lower, "upper": change.upper},
        comparison,
        worse_upper < 0,
        _told(name, metric, change),
    )


def _no_worse_overall(
    policy: PushPolicy, name: str, report: SliceReport, change: MetricChange | None
) -> RuleOutcome:
    rule, metric, margin = (
        f"{name}: no_worse_overall",
        report.primary_metric,
        f"{policy.max_slice_regression:g}",
    )
    comparison = f"{metric} not significantly worse than the model in service by more than {margin}"
    if change is None or change.difference is None or change.lower is None or change.upper is None:
        return unknown("requirement", rule, comparison, f"no paired interval of {metric}")
    return concluded(
        "requirement",
        rule,
        {"difference": change.difference, "lower": change.lower, "upper": change.upper},
        comparison,
        not _is_worse(policy, report, change),
        _told(name, metric, change),
    )


def _forgets(name: str, erasures: Sequence[Erasure]) -> RuleOutcome:
    forgets = name != FINE_TUNED
    numbers = ", ".join(str(erasure.receipt) for erasure in erasures)
    return concluded(
        "requirement",
        f"{name}: forgets",
        {"receipts": [erasure.receipt for erasure in erasures]},
        "trained without the people who were erased",
        forgets,
        f"{name} was trained from scratch without the people erased (receipt {numbers})"
        if forgets
        else f"{name} goes on from a model that learned from people erased since "
        f"(receipt {numbers}): fine-tuning does not make it forget",
    )


def _no_slice_worse(
    policy: PushPolicy, name: str, report: SliceReport, changes: dict[str, MetricChange]
) -> RuleOutcome:
    guarded = {
        slice_: change
        for slice_, change in changes.items()
        if slice_ != OVERALL and policy.guards_slice(slice_)
    }
    worse = []
    for slice_, change in guarded.items():
        if change.difference is None or change.lower is None or change.upper is None:
            continue
        if _is_worse(policy, report, change):
            worse.append(f"{slice_} ({change.difference:+.4f} on {change.n} rows)")
    return concluded(
        "requirement",
        f"{name}: no_slice_worse",
        {"slices": len(guarded), "worse": worse},
        f"no guarded slice significantly worse by more than {policy.max_slice_regression:g}",
        not worse,
        f"{name} is worse on {'; '.join(worse)}"
        if worse
        else f"{name} is worse on none of {len(guarded)} guarded slices",
    )


def _told(name: str, metric: str, change: MetricChange) -> str:
    return (
        f"{name} changes {metric} by {change.difference:+.4f} [{change.lower:+.4f}, "
        f"{change.upper:+.4f}] against the model in service on {change.n} rows"
    )


def _is_worse(policy: PushPolicy, report: SliceReport, change: MetricChange) -> bool:
    by = -change.difference if report.larger_is_better else change.difference
    least, _ = _worsening(change, report.larger_is_better)
    return by > policy.max_slice_regression and least > 0


def _worsening(change: MetricChange, larger_is_better: bool) -> tuple[float, float]:
    if larger_is_better:
        return -change.upper, -change.lower
    return change.lower, change.upper
