"""The documents RetrainGate writes."""

from __future__ import annotations

from typing import Any, Literal

from ...beam_jobs.reports import Document, Report
from .policy import RetrainPolicy
from .trigger_policy import Asked

Action = Literal[
    "none", "watch", "hold", "retrain", "retrain_urgently", "call_human", "push", "roll_back"
]
RETRAINS: tuple[Action, ...] = ("retrain", "retrain_urgently")


class RuleOutcome(Document):
    """One rule of the policy: what it looked at and what came of it.

    Attributes:
      outcome: None where the evidence is missing.
      value, threshold: the number that decided and its bound, in the same unit; None where there
        is no such number.
      then: what a trigger asks for.
      yields: a guard does not forbid what is urgent.
      parts: of a rule that puts others together.
    """

    rule: str
    kind: Literal["trigger", "guard", "requirement"]
    inputs: dict[str, Any]
    comparison: str
    outcome: bool | None
    reason: str
    value: float | None = None
    threshold: float | None = None
    then: Asked | None = None
    yields: bool = False
    comment: str | None = None
    parts: list[RuleOutcome] = []


def concluded(
    kind: str,
    rule: str,
    inputs: dict[str, Any],
    comparison: str,
    outcome: bool,
    reason: str,
    **more: Any,
) -> RuleOutcome:
    """The outcome of a rule that had its evidence."""
    return RuleOutcome(
        rule=rule,
        kind=kind,
        inputs=inputs,
        comparison=comparison,
        outcome=outcome,
        reason=reason,
        **more,
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
    """What is to be done about a span, and why.

    ``action``: ``hold`` is retraining that is due but forbidden, or, of the push gate, that no
    candidate may be pushed; ``roll_back``: the candidate pushed is the model that served before;
    ``call_human``: nothing is done before a person has looked.
    ``policy``: by which it was decided; None in records of earlier versions.
    """

    span: str
    action: Action
    retrain: bool
    push: bool
    chosen: str | None
    reasons: list[str]
    rules: list[RuleOutcome]
    next_step: str
    evidence: dict[str, str]
    policy: RetrainPolicy | None = None


class SpanUse(Document):
    """What is to be done with the labelled rows of an earlier span, and why.

    ``weight``: of each of its rows; this span's count 1. The measures are those of
    ``span_likeness.Likeness``, None where the strategy does not compare.
    """

    span: str
    rows: int
    use: Literal["keep", "down_weight", "discard"]
    weight: float = 1.0
    reason: str
    divergence: float | None = None
    kullback_leibler: float | None = None
    kolmogorov_smirnov: float | None = None
    separability: float | None = None
    regret: float | None = None
    regret_error: float | None = None


class TrainingPlan(Report):
    """Learn from the labelled rows of ``spans``; the newest ``holdout`` share of the last
    span's rows, by event time, is kept out and judges the candidates.

    ``old_holdout``: the share of all other rows that train none either. ``weights``: of the rows
    of those spans whose rows do not count 1; with ``weigh_rows`` the mean of those, each row's own
    being by how likely its ``features`` are in the last span (empty: all but ``label``).
    ``uses``: every earlier span that has labelled rows, the discarded ones too.
    """

    span: str
    spans: list[str]
    strategy: str
    holdout: float
    old_holdout: float = 0.0
    weights: dict[str, float] = {}
    weigh_rows: bool = False
    features: list[str] = []
    label: str = "label"
    uses: list[SpanUse] = []
