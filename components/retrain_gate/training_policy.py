"""The policy's part on training data: which spans a retrained model learns from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from ...beam_jobs.parameters import Parameters

Strategy = Literal["window", "all", "since_change_point", "similar", "importance_weighted"]
COMPARING: tuple[Strategy, ...] = ("similar", "importance_weighted")
"""Those that compare each earlier span's rows with this one's."""


class TrainingPolicy(Parameters):
    """From which spans' labelled rows a retrained model learns, and how much each counts.

    The baseline's training rows count as the oldest span.

    Attributes:
      strategy: ``window``: the newest ``spans`` spans. ``all``: every span.
        ``since_change_point``: the spans that did not end before the errors' newest change point.
        ``similar``: keep spans like this one, weigh those with other inputs less, discard those
        whose labels follow from the inputs in another way. ``importance_weighted``: the same,
        but each weighs by how alike its inputs are, and in it each row by how likely it is here.
      spans: of ``window``.
      compared: so many of the newest spans ``similar`` and ``importance_weighted`` compare; older
        ones are judged as the oldest of these.
      holdout: the share of the newest span's rows, the newest by event time, that judges the
        candidates and trains none.
      old_holdout: the share of the other rows, always the same ones by their request ids, that
        trains no candidate and shows what a candidate has forgotten; 0 asks for none. The
        baseline's rows all train.
      max_regret: of ``similar`` and ``importance_weighted``: by how much more, relative to the
        loss on this span's rows of a small model learned from them, one learned from another
        span's may lose there before that span is discarded.
      features: what a model learns from; empty: every column but label, prediction and those of
        the log itself. The monitoring pipeline fills it in.
      label: the label's column.
    """

    strategy: Strategy = "similar"
    spans: int = Field(4, ge=1)
    compared: int = Field(30, ge=1)
    holdout: float = Field(0.3, gt=0, lt=1)
    old_holdout: float = Field(0, ge=0, lt=1)
    max_regret: float = Field(0.05, ge=0)
    features: list[str] = []
    label: str = "label"


def learnable(names: Iterable[str], features: list[str], label: str) -> list[str]:
    """Those of the columns ``names`` that a model may learn from (see TrainingPolicy.features)."""
    if features:
        return [name for name in names if name in features]
    others = (label, "prediction")
    return [name for name in names if name not in others and not name.startswith("log_")]
