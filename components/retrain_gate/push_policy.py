"""The policy's part on candidates: what one must show before it may be pushed."""

from __future__ import annotations

from pydantic import Field

from ...beam_jobs.parameters import Parameters


class PushPolicy(Parameters):
    """What a candidate must show on the held-out rows, scored by it and by the model in service.

    Attributes:
      min_rows: labelled rows it is judged on.
      max_slice_regression: how much worse the primary metric may be on any slice of sufficient
        size before a difference whose interval excludes zero forbids the push.
      unguarded: slices by these features are reported but forbid nothing. What is known only
        together with the outcome belongs here: given the outcome, any model that predicts it
        more often looks worse where it is rare. The monitoring pipeline adds the ground truth's
        columns.
    """

    min_rows: int = Field(300, ge=1)
    max_slice_regression: float = Field(0.02, ge=0)
    unguarded: list[str] = []

    def guards_slice(self, slice_: str) -> bool:
        """Whether a slice, by its name in the reports, may forbid a push."""
        return not any(f", {slice_}".find(f", {feature}=") >= 0 for feature in self.unguarded)
