"""The policy's part on candidates: what one must show before it may be pushed."""

from __future__ import annotations

from pydantic import Field, model_validator

from ...beam_jobs.parameters import Parameters


class CalibrationBounds(Parameters):
    """The mean prediction divided by the mean label lies between ``min`` and ``max``, or no
    further from 1 than that of the model in service."""

    min: float = Field(0.8, gt=0, le=1)
    max: float = Field(1.25, ge=1)


class FairnessBound(Parameters):
    """Between no two groups of ``metrics.fairness`` does ``metric`` differ by more than
    ``max_difference``, nor is their ratio below ``min_ratio``.

    A gap counts whose 95 % interval excludes that there is none, and which is larger than that of
    the model in service.
    """

    metric: str
    max_difference: float | None = Field(None, ge=0)
    min_ratio: float | None = Field(None, gt=0, le=1)

    @model_validator(mode="after")
    def _has_a_bound(self) -> FairnessBound:
        if self.max_difference is None and self.min_ratio is None:
            raise ValueError("give max_difference, min_ratio or both")
        return self


class ServingBounds(Parameters):
    """How a candidate must serve real requests, see ServingChecks.

    It must load, serve and return finite outputs named and shaped as those of the model in
    service, whatever is set here.

    Attributes:
      same_inputs: it takes the same input, and parses the same features of the same types.
      max_latency_ms, max_size_mb: of the 99th percentile of single requests, and on disk.
      max_latency_ratio, max_size_ratio: of the median latency, and on disk, to the model in
        service, measured in the same run.
    """

    same_inputs: bool = True
    max_latency_ms: float | None = Field(None, gt=0)
    max_size_mb: float | None = Field(None, gt=0)
    max_latency_ratio: float | None = Field(3.0, gt=0)
    max_size_ratio: float | None = Field(3.0, gt=0)


class PushPolicy(Parameters):
    """What a candidate must show on the held-out rows, scored by it and by the model in service.

    Attributes:
      min_rows: labelled rows it is judged on.
      max_slice_regression: how much worse the primary metric may be on any slice of sufficient
        size before a difference whose interval excludes zero forbids the push.
      slice_margins: the same of single slices, by their names in the reports; a push needs that it
        can be told on these, while others where it cannot are only named.
      unguarded: slices by these features are reported but forbid nothing. What is known only
        together with the outcome belongs here: given the outcome, any model that predicts it
        more often looks worse where it is rare. The monitoring pipeline adds the ground truth's
        columns.
      calibration: the monitoring pipeline of a binary classification adds it with its defaults.
      fairness: bounds on gaps between groups.
      serving: the monitoring pipeline adds it with its defaults.
      roll_back: the model that served before may be pushed like any candidate; otherwise it is only
        recommended, where it is best.
      max_forgetting: how much worse the primary metric may be on the old rows that
        ``old_holdout`` of the training policy keeps out; null, since what was learned from a
        world that is gone may well be forgotten.
    """

    min_rows: int = Field(300, ge=1)
    max_slice_regression: float = Field(0.02, ge=0)
    slice_margins: dict[str, float] = {}
    unguarded: list[str] = []
    calibration: CalibrationBounds | None = None
    fairness: list[FairnessBound] = []
    serving: ServingBounds | None = None
    roll_back: bool = True
    max_forgetting: float | None = Field(None, ge=0)

    def guards_slice(self, slice_: str) -> bool:
        """Whether a slice, by its name in the reports, may forbid a push."""
        if slice_ in self.slice_margins:
            return True
        return not any(f", {slice_}".find(f", {feature}=") >= 0 for feature in self.unguarded)

    def margin(self, slice_: str) -> float:
        """How much worse the primary metric may be on a slice."""
        return self.slice_margins.get(slice_, self.max_slice_regression)
