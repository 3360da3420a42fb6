"""The decisions: pure functions of policy and evidence, so that anyone can replay them."""

from __future__ import annotations

from collections.abc import Sequence

from ...beam_jobs.reports import CANDIDATE, SliceReport
from .decision import RetrainDecision, TrainingPlan
from .erasures import Erasure
from .evidence import Past, Reports, fingerprint, overall_metric
from .guards import guards
from .policy import PushPolicy, RetrainPolicy, TrainingPolicy
from .requirements import requirements
from .triggers import ERASURE, triggers


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

    promised = [rule.reason for rule in fired if rule.rule == ERASURE]
    decision = RetrainDecision(
        span=span,
        action=action,
        retrain=action == "retrain",
        push=False,
        chosen=None,
        reasons=reasons,
        rules=[*wanted, *allowed],
        next_step="; ".join([next_step, *promised]),
        evidence=reports.fingerprints(),
        policy=policy,
    )
    return decision, plan


def decide_push(
    policy: PushPolicy,
    span: str,
    candidates: dict[str, SliceReport],
    erasures: Sequence[Erasure] = (),
) -> RetrainDecision:
    """Push the best candidate that is better with confidence and hurts no slice.

    Where ``erasures`` concern the model in service, one that is no worse is enough, but it must
    not have been fine-tuned from that model.

    Args:
      candidates: name -> its SliceReport, in which model ``candidate`` is compared with the model
        in service on the same held-out rows.
    """
    rules = {
        name: requirements(policy, name, report, erasures) for name, report in candidates.items()
    }
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


def _loss(report: SliceReport) -> float:
    metric = overall_metric(report, report.primary_metric, CANDIDATE)
    return -metric.value if report.larger_is_better else metric.value
