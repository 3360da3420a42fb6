"""Whether to retrain: a pure function of policy and evidence, so that anyone can replay it."""

from __future__ import annotations

from .decision import RetrainDecision, TrainingPlan
from .evidence import Past, Reports
from .guards import guards
from .plan_training import plan_training
from .policy import RetrainPolicy
from .triggers import ERASURE, triggers


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
