"""The policy's part on training data: which spans a retrained model learns from."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ...beam_jobs.parameters import Parameters


class TrainingPolicy(Parameters):
    """``window``: the labelled rows of the newest ``spans`` spans; ``all``: of every span.

    The baseline's training rows count as the oldest span. ``holdout`` is the share of the newest
    span's rows, the newest by event time, that judges the candidates and trains none.
    """

    strategy: Literal["window", "all"] = "window"
    spans: int = Field(4, ge=1)
    holdout: float = Field(0.3, gt=0, lt=1)
