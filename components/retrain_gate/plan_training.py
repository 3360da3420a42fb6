"""Which past data a retrained model would learn from."""

from __future__ import annotations

from .decision import TrainingPlan
from .evidence import Past
from .training_policy import TrainingPolicy


def plan_training(policy: TrainingPolicy, span: str, past: Past) -> TrainingPlan:
    """The spans a retrained model would learn from, oldest first, this one last."""
    spans = [name for name, rows in past.labelled_rows if rows] + [span]
    if policy.strategy == "window":
        spans = spans[-policy.spans :]
    return TrainingPlan(span=span, spans=spans, strategy=policy.strategy, holdout=policy.holdout)
