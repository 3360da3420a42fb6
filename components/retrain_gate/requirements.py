"""Requirements: what a candidate must show before it may be pushed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...beam_jobs.reports import CANDIDATE, SliceReport
from ...beam_jobs.slices import OVERALL
from ..history import FINE_TUNED, PREVIOUS
from .bounds_requirements import calibrated, fair
from .change_requirements import better_overall, no_slice_worse, no_worse_overall, remembers
from .decision import RuleOutcome, concluded
from .erasures import Erasure
from .push_evidence import PushEvidence
from .push_policy import PushPolicy
from .serving_requirements import serving_requirements

LEFT_TO_A_PERSON = f"{PREVIOUS}: may_be_put_back"


def requirements(policy: PushPolicy, name: str, known: PushEvidence) -> Iterator[RuleOutcome]:
    """Every requirement of one candidate, in a fixed order."""
    report = known.candidates[name]
    changes = {
        c.slice: c
        for c in report.changes
        if c.metric == report.primary_metric and c.model == CANDIDATE
    }
    overall = changes.get(OVERALL)
    if known.erasures:
        yield no_worse_overall(policy, name, report, overall)
    else:
        yield better_overall(name, report, overall)
    yield no_slice_worse(policy, name, report, changes)
    yield _enough_rows(policy, name, report)
    if policy.calibration:
        yield calibrated(policy.calibration, name, report)
    for bound in policy.fairness:
        yield fair(bound, name, report)
    if policy.max_forgetting is not None:
        yield remembers(policy.max_forgetting, name, known.old.get(name))
    if policy.serving:
        yield from serving_requirements(policy.serving, name, known.serving)
    remembered = known.remembered(name)
    if known.erasures or remembered:
        yield _forgets(name, remembered or known.erasures, not remembered)
    if name == PREVIOUS and not policy.roll_back:
        yield _left_to_a_person()


def _enough_rows(policy: PushPolicy, name: str, report: SliceReport) -> RuleOutcome:
    return concluded(
        "requirement",
        f"{name}: enough_rows",
        {"rows": report.rows},
        f">= {policy.min_rows}",
        report.rows >= policy.min_rows,
        f"{name} was judged on {report.rows} held-out rows, {policy.min_rows} are required",
        value=report.rows,
        threshold=policy.min_rows,
    )


def _forgets(name: str, erasures: Sequence[Erasure], forgets: bool) -> RuleOutcome:
    numbers = ", ".join(str(erasure.receipt) for erasure in erasures)
    if forgets:
        found = f"{name} was trained without the people erased (receipt {numbers})"
    elif name == FINE_TUNED:
        found = (
            f"{name} goes on from a model that learned from people erased since "
            f"(receipt {numbers}): fine-tuning does not make it forget"
        )
    else:
        found = f"{name} learned from people erased since (receipt {numbers})"
    return concluded(
        "requirement",
        f"{name}: forgets",
        {"receipts": [erasure.receipt for erasure in erasures]},
        "trained without the people who were erased",
        forgets,
        found,
    )


def _left_to_a_person() -> RuleOutcome:
    return concluded(
        "requirement",
        LEFT_TO_A_PERSON,
        {"roll_back": False},
        "roll_back: true",
        False,
        "the policy leaves it to a person to put the model back that served before",
    )
