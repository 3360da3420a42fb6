"""The documents RetrainGate writes."""

from __future__ import annotations

from typing import Any, Literal

from ...beam_jobs.reports import Document, Report
from .policy import RetrainPolicy


class RuleOutcome(Document):
    """One rule of the policy: what it looked at and what came of it."""

    rule: str
    kind: Literal["trigger", "guard", "requirement"]
    inputs: dict[str, Any]
    comparison: str
    outcome: bool | None
    reason: str


def concluded(
    kind: str, rule: str, inputs: dict[str, Any], comparison: str, outcome: bool, reason: str
) -> RuleOutcome:
    """The outcome of a rule that had its evidence."""
    return RuleOutcome(
        rule=rule, kind=kind, inputs=inputs, comparison=comparison, outcome=outcome, reason=reason
    )


def unknown(kind: str, rule: str, comparison: str, missing: str) -> RuleOutcome:
    """The outcome of a rule whose evidence is missing: neither yes nor no."""
    return RuleOutcome(
        rule=rule,
        kind=kind,
        inputs={},
        comparison=comparison,
        outcome=None,
        reason=f"cannot tell: {missing}",
    )


class RetrainDecision(Report):
    """``action``: none, watch, retrain, hold (wanted but guarded) or, of the push gate,
    push or hold. ``policy``: by which it was decided; None in records of earlier versions."""

    span: str
    action: Literal["none", "watch", "retrain", "hold", "push"]
    retrain: bool
    push: bool
    chosen: str | None
    reasons: list[str]
    rules: list[RuleOutcome]
    next_step: str
    evidence: dict[str, str]
    policy: RetrainPolicy | None = None


class TrainingPlan(Report):
    """Learn from the labelled rows of ``spans``; the newest ``holdout`` share of the last
    span's rows, by event time, is kept out and judges the candidates."""

    span: str
    spans: list[str]
    strategy: str
    holdout: float
