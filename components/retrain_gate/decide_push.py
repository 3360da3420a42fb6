"""Which candidate may be pushed: a pure function of policy and evidence."""

from __future__ import annotations

from collections.abc import Sequence

from ...beam_jobs.reports import CANDIDATE, SliceReport
from ..history import PREVIOUS
from .decision import RetrainDecision, RuleOutcome
from .evidence import overall_metric
from .push_evidence import PushEvidence
from .push_policy import PushPolicy
from .requirements import LEFT_TO_A_PERSON, requirements


def decide_push(policy: PushPolicy, span: str, known: PushEvidence) -> RetrainDecision:
    """Push the best candidate that is better with confidence and hurts no slice.

    Where erasures concern the model in service, one that is no worse is enough, but it must not
    have been fine-tuned from that model. The model that served before is a candidate like the
    others, ``previous``: pushing it rolls back.
    """
    rules = {name: list(requirements(policy, name, known)) for name in known.candidates}
    fit = [name for name, outcomes in rules.items() if not _missed(outcomes) - {LEFT_TO_A_PERSON}]
    fit.sort(key=lambda name: _loss(known.candidates[name]))
    chosen = next((name for name in fit if not _missed(rules[name])), None)
    recommended = bool(fit) and fit[0] != chosen
    failed = [rule for outcomes in rules.values() for rule in outcomes if not rule.outcome]
    action = {None: "hold", PREVIOUS: "roll_back"}.get(chosen, "push")
    return RetrainDecision(
        span=span,
        action=action,
        retrain=False,
        push=chosen is not None,
        chosen=chosen,
        reasons=[rule.reason for rule in (rules[chosen] if chosen else failed)],
        rules=[rule for outcomes in rules.values() for rule in outcomes],
        next_step="; ".join([_next_step(chosen), *([_RECOMMENDED] if recommended else [])]),
        evidence=known.fingerprints(),
    )


def _missed(outcomes: Sequence[RuleOutcome]) -> set[str]:
    return {rule.rule for rule in outcomes if not rule.outcome}


_RECOMMENDED = (
    "the model that served before does best, and the policy leaves it to a person to put it back: "
    "tfx-vigil roll-back"
)


def _next_step(chosen: str | None) -> str:
    if chosen is None:
        return "keep the model in service; collect more labelled rows or another model"
    if chosen == PREVIOUS:
        return "put the model back that served before, and find out what was wrong with this one"
    return f"push {chosen} and watch the next span"


def _loss(report: SliceReport) -> float:
    metric = overall_metric(report, report.primary_metric, CANDIDATE)
    return -metric.value if report.larger_is_better else metric.value
