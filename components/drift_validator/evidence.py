"""What findings are made of beside the comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...beam_jobs.reports import Comparison, ErrorPoint, PredictionChange
from .model_versions import NewVersion
from .persistence import Changed
from .seasonality import Season


@dataclass(frozen=True)
class Evidence:
    """All of it may be missing, and then is not told.

    Attributes:
      earlier: spans before this one, newest first, and what had changed in them as it has now.
      seasons: comparisons with the reference spans of the same season only.
      others: comparisons of the reference spans of other seasons with training.
      prediction_change: how much of it each input explains.
      errors: their course over the reference spans and this one.
      new_version: another model version that answers since.
    """

    earlier: Sequence[tuple[str, Changed]] = ()
    seasons: Mapping[Season, Sequence[Comparison]] = field(default_factory=dict)
    others: Sequence[Comparison] = ()
    prediction_change: PredictionChange | None = None
    errors: Sequence[ErrorPoint] = ()
    new_version: NewVersion | None = None
