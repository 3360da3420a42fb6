"""Decisions about recorded spans, made again: by the policy in force then, or by another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ..history import History, HistoryError, SpanRecord
from .decide_push import decide_push
from .decide_retrain import decide_retrain
from .decision import RetrainDecision
from .evidence import read_past, read_reports
from .metric_triggers import metric_bound
from .policy import RetrainPolicy
from .push_evidence import read_push_evidence
from .read_likeness import STATISTICS, read_likenesses
from .triggers import ON_DEMAND


def recorded_decision(history: History, record: SpanRecord) -> RetrainDecision:
    """What was decided about the span.

    Raises:
      HistoryError: there is no decision in the span's files.
    """
    found = history.report(record, "decision", RetrainDecision)
    if found is None:
        raise HistoryError(f"{history.root}: span {record.span!r} has no decision")
    return found


def replay(history: History, span: str, policy: RetrainPolicy | None = None) -> RetrainDecision:
    """Decides about a recorded span again, from the same evidence.

    Args:
      policy: None: the one that was in force.
    """
    record = history.record(span)
    recorded = recorded_decision(history, record)
    policy = policy or recorded.policy or RetrainPolicy()
    on_demand = any(rule.rule == ON_DEMAND for rule in recorded.rules)
    past = read_past(history, span, record.window_end)
    statistics = history.path(record, STATISTICS)
    compare = partial(read_likenesses, policy.training, history, span, statistics)
    reports = read_reports(history, record)
    decision, _ = decide_retrain(policy, span, reports, past, on_demand, compare)
    return decision


@dataclass(frozen=True)
class Replayed:
    """A span under the policy in force and under another.

    Attributes:
      days: length of the span's window.
      action, other_action: of the two decisions.
      push, other_push: the candidate that each may push, None where none. The other policy can only
        be told where candidates were trained: ``other_push`` is "unknown" where it retrains and
        there are none.
      out_of_bounds: whether a metric is out of the bounds of either policy; None: they have none,
        or it cannot be told.
    """

    span: str
    days: float
    action: str
    other_action: str
    push: str | None
    other_push: str | None
    out_of_bounds: bool | None


def backtest(history: History, policy: RetrainPolicy) -> Iterator[Replayed]:
    """Every complete span of the history, in order of time, as ``policy`` would have decided.

    The evidence is that of the models that did serve: what another policy's models would have
    shown nobody knows.
    """
    for record in history.spans():
        now, other = recorded_decision(history, record), replay(history, record.span, policy)
        yield Replayed(
            span=record.span,
            days=(record.window_end - record.window_start).total_seconds() / 86400,
            action=now.action,
            other_action=other.action,
            push=record.push.candidate if record.push else None,
            other_push=_push(history, record, policy) if other.retrain else None,
            out_of_bounds=_out_of_bounds(history, record, now.policy, policy),
        )


def _push(history: History, record: SpanRecord, policy: RetrainPolicy) -> str | None:
    known = read_push_evidence(history, record, policy.triggers.erasure is not None)
    return decide_push(policy.push, record.span, known).chosen if known.candidates else "unknown"


def _out_of_bounds(
    history: History, record: SpanRecord, *policies: RetrainPolicy | None
) -> bool | None:
    reports = read_reports(history, record)
    outcomes = [
        metric_bound(bound, reports).outcome
        for policy in policies
        if policy
        for bound in policy.triggers.metric_bounds
    ]
    known = [outcome for outcome in outcomes if outcome is not None]
    return any(known) if known else None
