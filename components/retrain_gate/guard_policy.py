"""The policy's part on guards: what forbids retraining although a trigger asks for it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field, field_validator, model_validator

from ...beam_jobs.parameters import Parameters
from ..spans import utc
from .terms import Term

Pace = Literal["cool_down", "budget", "freeze"]


class Freeze(Parameters):
    """From ``start`` until before ``end`` nothing is retrained; dates or ISO 8601 times, UTC."""

    start: AwareDatetime
    end: AwareDatetime

    @field_validator("start", "end", mode="before")
    @classmethod
    def _as_utc(cls, value: object) -> datetime:
        return utc(value.isoformat() if hasattr(value, "isoformat") else str(value))

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Freeze:
        if self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class GuardRules(Parameters):
    """The guards that there are; null switches one off.

    Attributes:
      max_dead_letter_share: of the records read.
      block_on_data_errors: schema anomalies of severity ``error`` (a missing feature, a changed
        type, another unit) forbid training: the data is broken, not drifted.
      min_labelled_rows: rows with ground truth that the plan's spans hold together.
      min_slice_rows: the same of single slices, by their names in the reports.
      max_model_decided_share: of the plan's labelled rows, those whose outcome the model itself
        decided (``model_decided`` of the ground truth): no model learns from them, and where they
        are many the others are no fair sample.
      cool_down_days: between the window's ends of two pushes.
      max_retrainings_per_month: within 30 days.
      freeze: nothing is retrained at these times.
      human_approval: a person must approve of each retraining, see ``tfx-vigil gate --approve``.
    """

    max_dead_letter_share: float | None = Field(None, ge=0, le=1)
    block_on_data_errors: bool = False
    min_labelled_rows: int | None = Field(None, ge=1)
    min_slice_rows: dict[str, int] = {}
    max_model_decided_share: float | None = Field(None, ge=0, le=1)
    cool_down_days: float | None = Field(None, ge=0)
    max_retrainings_per_month: int | None = Field(None, ge=1)
    freeze: list[Freeze] = []
    human_approval: bool = False


class GuardTerm(GuardRules, Term):
    """A guard with a name, or several put together."""

    RULES: ClassVar[type[Parameters]] = GuardRules

    any: list[GuardTerm] | None = Field(None, min_length=1)
    all: list[GuardTerm] | None = Field(None, min_length=1)
    of: list[GuardTerm] | None = Field(None, min_length=1)


class Guards(GuardRules):
    """All of them must hold before a model is retrained.

    ``yield_to_urgent``: those that do not forbid what is urgent.
    """

    max_dead_letter_share: float | None = Field(0.05, ge=0, le=1)
    block_on_data_errors: bool = True
    min_labelled_rows: int | None = Field(500, ge=1)
    yield_to_urgent: list[Pace] = ["cool_down", "budget"]
    combined: list[GuardTerm] = []
