"""Guards: what forbids retraining although a trigger asks for it. Missing evidence forbids too."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from .decision import RuleOutcome, TrainingPlan, concluded, unknown
from .evidence import Past, Reports
from .policy import Guards

_outcome = partial(concluded, "guard")
_unknown = partial(unknown, "guard")


def guards(
    policy: Guards, reports: Reports, past: Past, plan: TrainingPlan
) -> Iterator[RuleOutcome]:
    """Every guard, in a fixed order; ``outcome`` True means that training may go ahead."""
    yield readable_logs(policy, reports)
    if policy.block_on_data_errors:
        yield sound_data(reports)
    yield enough_labels(policy, reports, past, plan)
    if policy.cool_down_days:
        yield cooled_down(policy, past)
    yield known_model(past)


def readable_logs(policy: Guards, reports: Reports) -> RuleOutcome:
    comparison = f"dead letters <= {policy.max_dead_letter_share:.1%} of records"
    if reports.ingest is None:
        return _unknown("readable_logs", comparison, "no ingest report")
    counts = reports.ingest.counts
    share = counts.records_dead_lettered / max(counts.records_read, 1)
    return _outcome(
        "readable_logs",
        {
            "records_read": counts.records_read,
            "records_dead_lettered": counts.records_dead_lettered,
        },
        comparison,
        share <= policy.max_dead_letter_share,
        f"{share:.2%} of {counts.records_read} records could not be read",
    )


def sound_data(reports: Reports) -> RuleOutcome:
    comparison = "no schema anomaly of severity error"
    if reports.drift is None:
        return _unknown("sound_data", comparison, "no drift report")
    errors = [a for a in reports.drift.anomalies if a.severity == "error"]
    listed = "; ".join(f"{a.feature} ({a.slice}): {a.description}" for a in errors[:3])
    return _outcome(
        "sound_data",
        {"errors": len(errors)},
        comparison,
        not errors,
        f"{len(errors)} schema errors: {listed}" if errors else "the data fits the schema",
    )


def enough_labels(policy: Guards, reports: Reports, past: Past, plan: TrainingPlan) -> RuleOutcome:
    comparison = f"labelled rows of the plan >= {policy.min_labelled_rows}"
    if reports.slices is None:
        return _unknown("enough_labels", comparison, "no slice report")
    known = dict(past.labelled_rows)
    rows = sum(known.get(span, 0) for span in plan.spans if span != plan.span)
    rows += round(reports.slices.rows * (1 - plan.holdout))
    return _outcome(
        "enough_labels",
        {"rows": rows, "spans": plan.spans},
        comparison,
        rows >= policy.min_labelled_rows,
        f"{rows} labelled rows to learn from in {', '.join(plan.spans)}",
    )


def cooled_down(policy: Guards, past: Past) -> RuleOutcome:
    comparison = f">= {policy.cool_down_days:g} days since the last push"
    if past.last_push is None:
        return _outcome("cool_down", {}, comparison, True, "nothing was pushed yet")
    days = (past.now - past.last_push).total_seconds() / 86400
    return _outcome(
        "cool_down",
        {"days": days},
        comparison,
        days >= policy.cool_down_days,
        f"the last push was {days:.1f} days ago",
    )


def known_model(past: Past) -> RuleOutcome:
    reason = (
        "the model in service is known"
        if past.has_model
        else "no model in service is known: run 'tfx-vigil init' with one"
    )
    return _outcome("known_model", {}, "a model to compare with", past.has_model, reason)
