"""Which candidate may be pushed: a pure function of policy and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...beam_jobs.reports import CANDIDATE, ServingReport, SliceReport
from ..history import PREVIOUS
from .decision import RetrainDecision
from .erasures import Erasure
from .evidence import fingerprint, overall_metric
from .push_policy import PushPolicy
from .requirements import requirements


def decide_push(
    policy: PushPolicy,
    span: str,
    candidates: dict[str, SliceReport],
    erasures: Sequence[Erasure] = (),
    serving: ServingReport | None = None,
    previous: Sequence[Erasure] = (),
    old: Mapping[str, SliceReport] | None = None,
) -> RetrainDecision:
    """Push the best candidate that is better with confidence and hurts no slice.

    Where ``erasures`` concern the model in service, one that is no worse is enough, but it must
    not have been fine-tuned from that model. The model that served before is a candidate like the
    others, ``previous``: pushing it rolls back.

    Args:
      candidates: name -> its SliceReport, in which model ``candidate`` is compared with the model
        in service on the same held-out rows.
      serving: how each of them, and the model in service, served.
      previous: erasures that concern the candidate of that name.
      old: name -> its SliceReport on the old rows that train nobody.
    """
    old = old or {}
    rules = {
        name: list(requirements(policy, name, report, erasures, serving, previous, old.get(name)))
        for name, report in candidates.items()
    }
    fit = [name for name in candidates if all(rule.outcome for rule in rules[name])]
    fit.sort(key=lambda name: _loss(candidates[name]))
    chosen = next((name for name in fit if name != PREVIOUS or policy.roll_back), None)
    recommended = fit[:1] == [PREVIOUS] and chosen != PREVIOUS
    failed = [r for outcomes in rules.values() for r in outcomes if not r.outcome]
    shown = [r for r in rules[chosen or fit[0]] if r.outcome] if fit else failed
    action = {None: "hold", PREVIOUS: "roll_back"}.get(chosen, "push")
    evidence = {**candidates, **{f"{name}_old": report for name, report in old.items()}}
    evidence |= {"serving": serving} if serving else {}
    return RetrainDecision(
        span=span,
        action=action,
        retrain=False,
        push=chosen is not None,
        chosen=chosen,
        reasons=[rule.reason for rule in shown],
        rules=[rule for outcomes in rules.values() for rule in outcomes],
        next_step="; ".join([_next_step(chosen), *([_RECOMMENDED] if recommended else [])]),
        evidence={name: fingerprint(report) for name, report in evidence.items()},
    )


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
