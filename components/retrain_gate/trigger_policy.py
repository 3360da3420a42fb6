"""The policy's part on triggers: what asks for retraining."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from ...beam_jobs.parameters import Parameters
from ..spans import SpanConfig
from .terms import Term

Asked = Literal["watch", "retrain", "retrain_urgently", "call_human"]
"""What a trigger asks for."""


class DriftTrigger(Parameters):
    """Drift of at least ``severity`` in ``spans`` spans in a row, this one included."""

    severity: Literal["watch", "act"] = "act"
    spans: int = Field(1, ge=1)
    then: Asked = "retrain"


class MetricDrop(Parameters):
    """The primary metric is worse than when the model was put in service.

    By more than ``margin``, in the metric's own unit, and with its whole 95 % interval.
    """

    margin: float = Field(0.02, ge=0)
    then: Asked = "retrain"


class EstimatedDrop(Parameters):
    """The same of the metric that is estimated before the labels come, by its whole band.

    An estimate that is in doubt tells nothing.
    """

    margin: float = Field(0.02, ge=0)
    then: Asked = "retrain"


class Promise(Parameters):
    """In its first ``spans`` spans a pushed model is worse than it was when it was chosen.

    By more than ``margin`` between the nearer ends of both 95 % intervals.
    """

    spans: int = Field(3, ge=1)
    margin: float = Field(0.02, ge=0)
    then: Asked = "retrain_urgently"


class MetricBound(Parameters):
    """A metric's whole 95 % interval lies below ``min`` or above ``max``."""

    metric: str
    min: float | None = None
    max: float | None = None
    slice: str = "overall"
    then: Asked = "retrain_urgently"

    @model_validator(mode="after")
    def _has_a_bound(self) -> MetricBound:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self


class ErasureTrigger(Parameters):
    """The model in service learned from a person who was erased since (GDPR Art. 17).

    ``deadline_days``: from the erasure until another model must be in service;
    ``urgent_days``: so long before that day the retraining becomes urgent.
    """

    deadline_days: float = Field(30, gt=0)
    urgent_days: float = Field(7, ge=0)


class OtherVersions(Parameters):
    """More than ``max_share`` of the rows were answered by a version that the history did not put
    in service, nor the one before in the span after a push."""

    max_share: float = Field(0.05, ge=0, lt=1)
    then: Asked = "call_human"


class TriggerRules(Parameters):
    """The triggers that there are; null switches one off.

    Attributes:
      new_labelled_rows: so many labelled rows that the model in service has not learned from.
      max_age_days: the model has been in service for longer.
      schedule: a window of this schedule began since the last retraining.
    """

    drift: DriftTrigger | None = None
    metric_drop: MetricDrop | None = None
    estimated_drop: EstimatedDrop | None = None
    promise: Promise | None = None
    metric_bounds: list[MetricBound] = []
    new_labelled_rows: int | None = Field(None, ge=1)
    max_age_days: float | None = Field(None, gt=0)
    schedule: SpanConfig | None = None
    other_versions: OtherVersions | None = None
    erasure: ErasureTrigger | None = None


class TriggerTerm(TriggerRules, Term):
    """A trigger with a name, or several put together.

    ``then``: what it asks for; without it a single rule asks for what it does by itself, and
    several for ``retrain``.
    """

    RULES: ClassVar[type[Parameters]] = TriggerRules

    any: list[TriggerTerm] | None = Field(None, min_length=1)
    all: list[TriggerTerm] | None = Field(None, min_length=1)
    of: list[TriggerTerm] | None = Field(None, min_length=1)
    then: Asked | None = None


class Triggers(TriggerRules):
    """Any one of them is enough."""

    drift: DriftTrigger | None = DriftTrigger()
    metric_drop: MetricDrop | None = MetricDrop()
    promise: Promise | None = Promise()
    erasure: ErasureTrigger | None = ErasureTrigger()
    combined: list[TriggerTerm] = []
