"""Triggers that look at what has gathered since the last push or retraining."""

from __future__ import annotations

from functools import partial

from ..spans import SpanConfig
from .decision import RuleOutcome, concluded, unknown
from .evidence import Past, Reports

_outcome = partial(concluded, "trigger", then="retrain")
_unknown = partial(unknown, "trigger")


def new_labelled_rows(least: int, reports: Reports, past: Past) -> RuleOutcome:
    comparison = f">= {least}"
    if reports.slices is None:
        return _unknown("new_labelled_rows", comparison, "no slice report")
    rows = past.unlearned_rows + reports.slices.rows
    return _outcome(
        "new_labelled_rows",
        {"rows": rows},
        comparison,
        rows >= least,
        f"{rows} labelled rows since the model in service was trained",
        value=rows,
        threshold=least,
    )


def max_age(days: float, past: Past) -> RuleOutcome:
    comparison = f"> {days:g} days"
    if past.in_service_since is None:
        return _unknown("max_age", comparison, "unknown since when the model is in service")
    age = (past.now - past.in_service_since).total_seconds() / 86400
    return _outcome(
        "max_age",
        {"days": age},
        comparison,
        age > days,
        f"the model has been in service for {age:.0f} days",
        value=age,
        threshold=days,
    )


def schedule(every: SpanConfig, past: Past) -> RuleOutcome:
    comparison = f"a window of {every.length} began since the last retraining"
    last = past.retrainings[0] if past.retrainings else past.in_service_since
    if last is None:
        return _unknown("schedule", comparison, "unknown since when the model is in service")
    due = every.first_start_after(last)
    return _outcome(
        "schedule",
        {"last": last.isoformat(), "due": due.isoformat()},
        comparison,
        due <= past.now,
        f"the last retraining was on {last:%Y-%m-%d}, the next is due on {due:%Y-%m-%d}",
    )
