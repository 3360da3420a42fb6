"""Guards on the data that a model would learn from. Missing evidence forbids."""

from __future__ import annotations

from functools import partial

from ..history import BASELINE
from .decision import RuleOutcome, TrainingPlan, concluded, unknown
from .evidence import Past, Reports, errors_in, rows_by_slice

_outcome = partial(concluded, "guard")
_unknown = partial(unknown, "guard")


def readable_logs(most: float, reports: Reports) -> RuleOutcome:
    comparison = f"dead letters <= {most:.1%} of records"
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
        share <= most,
        f"{share:.2%} of {counts.records_read} records could not be read",
        value=share,
        threshold=most,
    )


def sound_data(reports: Reports) -> RuleOutcome:
    comparison = "no schema anomaly of severity error"
    if reports.drift is None:
        return _unknown("sound_data", comparison, "no drift report")
    errors = errors_in(reports.drift)
    listed = "; ".join(f"{a.feature} ({a.slice}): {a.description}" for a in errors[:3])
    return _outcome(
        "sound_data",
        {"errors": len(errors)},
        comparison,
        not errors,
        f"{len(errors)} schema errors: {listed}" if errors else "the data fits the schema",
    )


def enough_labels(least: int, reports: Reports, past: Past, plan: TrainingPlan) -> RuleOutcome:
    comparison = f"labelled rows of the plan >= {least}"
    if reports.slices is None:
        return _unknown("enough_labels", comparison, "no slice report")
    rows = sum(_usable(reports, past, plan).values())
    return _outcome(
        "enough_labels",
        {"rows": rows, "spans": plan.spans},
        comparison,
        rows >= least,
        f"{rows} labelled rows to learn from in {', '.join(plan.spans)}",
        value=rows,
        threshold=least,
    )


def enough_slice_labels(
    slice_: str, least: int, reports: Reports, past: Past, plan: TrainingPlan
) -> RuleOutcome:
    """The baseline's slices are not counted."""
    rule, comparison = f"enough_labels @ {slice_}", f"labelled rows of the plan >= {least}"
    if reports.slices is None:
        return _unknown(rule, comparison, "no slice report")
    known = {**past.slice_rows, plan.span: rows_by_slice(reports.slices)}
    kept = {plan.span: 1 - plan.holdout}
    rows = sum(round(known.get(span, {}).get(slice_, 0) * kept.get(span, 1)) for span in plan.spans)
    return _outcome(
        rule,
        {"rows": rows, "spans": plan.spans},
        comparison,
        rows >= least,
        f"{rows} labelled rows of {slice_} to learn from",
        value=rows,
        threshold=least,
    )


def own_outcomes(most: float, reports: Reports, past: Past, plan: TrainingPlan) -> RuleOutcome:
    """No feedback loop: the model did not itself decide too many of the outcomes."""
    comparison = f"outcomes that the model decided <= {most:.1%} of the plan's labelled rows"
    if reports.slices is None:
        return _unknown("own_outcomes", comparison, "no slice report")
    rows = {**dict(past.labelled_rows), plan.span: reports.slices.rows}
    decided = {**past.decided_rows, plan.span: reports.slices.model_decided}
    spans = [span for span in plan.spans if span != BASELINE]
    found = sum(decided.get(span, 0) for span in spans)
    share = found / max(sum(rows.get(span, 0) for span in spans), 1)
    return _outcome(
        "own_outcomes",
        {"rows": found, "share": share},
        comparison,
        share <= most,
        f"the model itself decided the outcome of {share:.1%} of the labelled rows",
        value=share,
        threshold=most,
    )


def known_model(past: Past) -> RuleOutcome:
    reason = (
        "the model in service is known"
        if past.has_model
        else "no model in service is known: run 'tfx-vigil init' with one"
    )
    return _outcome("known_model", {}, "a model to compare with", past.has_model, reason)


def _usable(reports: Reports, past: Past, plan: TrainingPlan) -> dict[str, int]:
    """Rows of each of the plan's spans that a model may learn from."""
    known = dict(past.labelled_rows)
    rows = {span: known.get(span, 0) - past.decided_rows.get(span, 0) for span in plan.spans}
    here = reports.slices.rows - reports.slices.model_decided
    return rows | {plan.span: round(here * (1 - plan.holdout))}
