"""Whether to retrain: a pure function of policy and evidence, so that anyone can replay it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from .conclude import conclude, forbids
from .decision import RETRAINS, Action, RetrainDecision, RuleOutcome, TrainingPlan
from .evidence import Past, Reports, change_point
from .guards import guards
from .plan_training import plan_training
from .policy import RetrainPolicy
from .span_likeness import Likeness
from .triggers import ERASURE, triggers


def decide_retrain(
    policy: RetrainPolicy,
    span: str,
    reports: Reports,
    past: Past,
    on_demand: bool = False,
    compare: Callable[[], Mapping[str, Likeness]] = dict,
) -> tuple[RetrainDecision, TrainingPlan]:
    """Retrain when any trigger asks for it and every guard holds.

    Missing evidence never counts as good: a trigger without it does not fire but says so, and a
    guard without it forbids. The same evidence and policy give the same decision.

    Args:
      compare: reads how much earlier spans are like this one (``read_likenesses``); called where a
        trigger asks for retraining.
    """
    changed = max(filter(None, (change_point(reports.drift), past.change_point)), default=None)
    wanted = list(triggers(policy.triggers, reports, past, on_demand))
    asked = any(rule.outcome and rule.then in RETRAINS for rule in wanted)
    plan = plan_training(policy.training, span, past, changed, compare() if asked else None)
    allowed = list(guards(policy.guards, reports, past, plan))
    action = conclude(wanted, allowed)
    reasons = _reasons(action, wanted, allowed)
    promised = [rule.reason for rule in wanted if rule.rule == ERASURE and rule.outcome]
    decision = RetrainDecision(
        span=span,
        action=action,
        retrain=action in RETRAINS,
        push=False,
        chosen=None,
        reasons=[rule.reason for rule in reasons],
        rules=[*wanted, *allowed],
        next_step="; ".join([_next_step(action, plan, reasons), *promised]),
        evidence=reports.fingerprints(),
        policy=policy,
    )
    return decision, plan


def _reasons(
    action: Action, wanted: Sequence[RuleOutcome], allowed: Sequence[RuleOutcome]
) -> list[RuleOutcome]:
    """The rules that made it so; guards last."""
    fired = [rule for rule in wanted if rule.outcome]
    if action == "watch":
        return [rule for rule in wanted if rule.outcome is None] + fired
    callers = [rule for rule in fired if rule.then == "call_human"]
    if action == "call_human" and callers:
        return callers
    asking = [rule for rule in fired if rule.then in RETRAINS]
    if action in ("hold", "call_human"):
        most = max((rule.then for rule in asking), key=RETRAINS.index)
        return asking + forbids(most, allowed)
    return asking


def _next_step(action: Action, plan: TrainingPlan, reasons: Sequence[RuleOutcome]) -> str:
    if action in RETRAINS:
        at_once = " at once" if action == "retrain_urgently" else ""
        spans = ", ".join(plan.spans)
        return f"retrain{at_once} on {spans} and compare with the model in service"
    if action == "hold":
        return f"retraining is due but blocked; resolve: {reasons[-1].reason}"
    if action == "call_human":
        return f"a person must look before anything is done: {reasons[-1].reason}"
    if action == "watch":
        blind = any(rule.outcome is None for rule in reasons)
        missing = "supply what is missing, so that the policy can tell"
        return missing if blind else "watch the next span"
    return "nothing to do: the model in service holds"
