"""The policy a person writes: when to retrain, when not to, on what, and what may be pushed."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ...beam_jobs.parameters import Parameters
from .push_policy import PushPolicy
from .training_policy import TrainingPolicy


class DriftTrigger(Parameters):
    """Drift of at least ``severity`` in ``spans`` spans in a row, this one included."""

    severity: Literal["watch", "act"] = "act"
    spans: int = Field(1, ge=1)


class MetricDrop(Parameters):
    """The primary metric is worse than when the model was put in service.

    By more than ``margin``, in the metric's own unit, and with its whole 95 % interval.
    """

    margin: float = Field(0.02, ge=0)


class MetricBound(Parameters):
    """A metric's whole 95 % interval lies below ``min`` or above ``max``."""

    metric: str
    min: float | None = None
    max: float | None = None
    slice: str = "overall"

    @model_validator(mode="after")
    def _has_a_bound(self) -> MetricBound:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class ErasureTrigger(Parameters):
    """The model in service learned from a person who was erased since (GDPR Art. 17).

    ``deadline_days``: from the erasure until another model must be in service.
    """

    deadline_days: float = Field(30, gt=0)


class Triggers(Parameters):
    """Any one of them asks for retraining; null switches one off."""

    drift: DriftTrigger | None = DriftTrigger()
    metric_drop: MetricDrop | None = MetricDrop()
    metric_bounds: list[MetricBound] = []
    new_labelled_rows: int | None = Field(None, ge=1)
    max_age_days: float | None = Field(None, gt=0)
    erasure: ErasureTrigger | None = ErasureTrigger()


class Guards(Parameters):
    """All of them must hold before a model is retrained.

    Attributes:
      max_dead_letter_share: of the records read.
      block_on_data_errors: schema anomalies of severity ``error`` (a missing feature, a changed
        type) forbid training: the data is broken, not drifted.
      min_labelled_rows: rows with ground truth that the plan's spans hold together.
      cool_down_days: between the window's ends of two pushes.
    """

    max_dead_letter_share: float = Field(0.05, ge=0, le=1)
    block_on_data_errors: bool = True
    min_labelled_rows: int = Field(500, ge=1)
    cool_down_days: float = Field(0, ge=0)


class RetrainPolicy(Parameters):
    """The whole policy; the defaults suit a daily span of thousands of labelled rows."""

    triggers: Triggers = Triggers()
    guards: Guards = Guards()
    training: TrainingPolicy = TrainingPolicy()
    push: PushPolicy = PushPolicy()
