"""The decisions: pure functions of policy and evidence, so that anyone can replay them."""

from __future__ import annotations

from ...beam_jobs.reports import CANDIDATE, MetricChange, SliceReport
from ...beam_jobs.slices import OVERALL
from .decision import RetrainDecision, RuleOutcome, TrainingPlan, concluded, unknown
from .evidence import Past, Reports, fingerprint, overall_metric
from .guards import guards
from .policy import PushPolicy, RetrainPolicy, TrainingPolicy
from .triggers import triggers


def plan_training(policy: TrainingPolicy, span: str, past: Past) -> TrainingPlan:
    """The spans a retrained model would learn from, oldest first, this one last."""
    spans = [name for name, rows in past.labelled_rows if rows] + [span]
    if policy.strategy == "window":
        spans = spans[-policy.spans :]
    return TrainingPlan(span=span, spans=spans, strategy=policy.strategy, holdout=policy.holdout)


def decide_retrain(
    policy: RetrainPolicy, span: str, reports: Reports, past: Past, on_demand: bool = False
) -> tuple[RetrainDecision, TrainingPlan]:
    """Retrain when any trigger fires and every guard holds.

    Missing evidence never counts as good: a trigger without it does not fire but says so, and a
    guard without it forbids. The same evidence and policy give the same decision.
    """
    plan = plan_training(policy.training, span, past)
    wanted = list(triggers(policy.triggers, reports, past, on_demand))
    allowed = list(guards(policy.guards, reports, past, plan))
    fired = [rule for rule in wanted if rule.outcome]
    blocked = [rule for rule in allowed if not rule.outcome]
    blind = [rule for rule in wanted if rule.outcome is None]

    if fired and not blocked:
        action = "retrain"
        reasons = [rule.reason for rule in fired]
        next_step = f"retrain on {', '.join(plan.spans)} and compare with the model in service"
    elif fired:
        action = "hold"
        reasons = [rule.reason for rule in (*fired, *blocked)]
        next_step = f"retraining is due but blocked; resolve: {blocked[0].reason}"
    elif blind:
        action = "watch"
        reasons = [rule.reason for rule in blind]
        next_step = "supply what is missing, so that the policy can tell"
    elif reports.drift and reports.drift.severity != "none":
        action = "watch"
        reasons = [reports.drift.recommendation]
        next_step = "watch the next span"
    else:
        action, reasons = "none", []
        next_step = "nothing to do: the model in service holds"

    decision = RetrainDecision(
        span=span,
        action=action,
        retrain=action == "retrain",
        push=False,
        chosen=None,
        reasons=reasons,
        rules=[*wanted, *allowed],
        next_step=next_step,
        evidence=reports.fingerprints(),
    )
    return decision, plan


def decide_push(
    policy: PushPolicy, span: str, candidates: dict[str, SliceReport]
) -> RetrainDecision:
    """Push the best candidate that is better with confidence and hurts no slice.

    Args:
      candidates: name -> its SliceReport, in which model ``candidate`` is compared with the model
        in service on the same held-out rows.
    """
    rules = {name: _requirements(policy, name, report) for name, report in candidates.items()}
    fit = [name for name in candidates if all(rule.outcome for rule in rules[name])]
    chosen = min(fit, key=lambda name: _loss(candidates[name]), default=None)
    failed = [r for outcomes in rules.values() for r in outcomes if not r.outcome]
    shown = [r for r in rules[chosen] if r.outcome] if chosen else failed
    return RetrainDecision(
        span=span,
        action="push" if chosen else "hold",
        retrain=False,
        push=chosen is not None,
        chosen=chosen,
        reasons=[rule.reason for rule in shown],
        rules=[rule for outcomes in rules.values() for rule in outcomes],
        next_step=(
            f"push {chosen} and watch the next span"
            if chosen
            else "keep the model in service; collect more labelled rows or another model"
        ),
        evidence={name: fingerprint(report) for name, report in candidates.items()},
    )


def _requirements(policy: PushPolicy, name: str, report: SliceReport) -> list[RuleOutcome]:
    changes = {
        c.slice: c
        for c in report.changes
        if c.metric == report.primary_metric and c.model == CANDIDATE
    }
    return [
        _better_overall(name, report, changes.get(OVERALL)),
        _no_slice_worse(policy, name, report, changes),
        _enough_rows(policy, name, report),
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
        f"{name} changes {metric} by {change.difference:+.4f} [{change.lower:+.4f}, "
        f"{change.upper:+.4f}] against the model in service on {change.n} rows",
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
        by = -change.difference if report.larger_is_better else change.difference
        if by > policy.max_slice_regression and _worsening(change, report.larger_is_better)[0] > 0:
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


def _worsening(change: MetricChange, larger_is_better: bool) -> tuple[float, float]:
    if larger_is_better:
        return -change.upper, -change.lower
    return change.lower, change.upper


def _loss(report: SliceReport) -> float:
    metric = overall_metric(report, report.primary_metric, CANDIDATE)
    return -metric.value if report.larger_is_better else metric.value
