"""Guards: what forbids retraining although a trigger asks for it. Missing evidence forbids too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from . import data_guards, pace_guards
from .conditions import of_term
from .decision import RuleOutcome, TrainingPlan
from .evidence import Past, Reports
from .guard_policy import GuardRules, Guards


def guards(
    policy: Guards, reports: Reports, past: Past, plan: TrainingPlan
) -> Iterator[RuleOutcome]:
    """Every guard, in a fixed order; ``outcome`` True means that training may go ahead."""
    single = partial(_single, reports=reports, past=past, plan=plan)
    for found in single(policy):
        yield found.model_copy(update={"yields": found.rule in policy.yield_to_urgent})
    for term in policy.combined:
        yield of_term(term, single)
    yield data_guards.known_model(past)
    if past.ruling and not past.ruling.approve:
        yield pace_guards.veto(past)


def _single(
    rules: GuardRules, reports: Reports, past: Past, plan: TrainingPlan
) -> Iterator[RuleOutcome]:
    if rules.max_dead_letter_share is not None:
        yield data_guards.readable_logs(rules.max_dead_letter_share, reports)
    if rules.block_on_data_errors:
        yield data_guards.sound_data(reports)
    if rules.min_labelled_rows:
        yield data_guards.enough_labels(rules.min_labelled_rows, reports, past, plan)
    for slice_, least in rules.min_slice_rows.items():
        yield data_guards.enough_slice_labels(slice_, least, reports, past, plan)
    if rules.max_model_decided_share is not None:
        yield data_guards.own_outcomes(rules.max_model_decided_share, reports, past, plan)
    if rules.cool_down_days:
        yield pace_guards.cool_down(rules.cool_down_days, past)
    if rules.max_retrainings_per_month:
        yield pace_guards.budget(rules.max_retrainings_per_month, past)
    if rules.freeze:
        yield pace_guards.freeze(rules.freeze, past)
    if rules.human_approval:
        yield pace_guards.approval(plan.span, reports, past)
