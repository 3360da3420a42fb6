"""Which past data a retrained model would learn from, and how much each span counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from ..history import BASELINE
from .decision import SpanUse, TrainingPlan
from .evidence import Past
from .span_likeness import Likeness
from .training_policy import COMPARING, TrainingPolicy

ALIKE = 0.6
"""Below this area under the curve of a classifier the inputs of two spans are alike."""
_LEAST_WEIGHT = 0.05
_BROKEN = "its data did not fit the schema: broken, not drifted"
_NOT_COMPARED = "not compared: nothing asks for retraining"


def plan_training(
    policy: TrainingPolicy,
    span: str,
    past: Past,
    change_point: datetime | None = None,
    likenesses: Mapping[str, Likeness] | None = None,
) -> TrainingPlan:
    """The use of each earlier span that has labelled rows, oldest first; this one comes last.

    Args:
      change_point: the newest of the stream of errors.
      likenesses: span -> how much it is like this one, where the strategy compares; None: they
        were not compared, since nothing asks for retraining. Broken spans judge no others.
    """
    if likenesses is not None:
        likenesses = {
            span_: found for span_, found in likenesses.items() if span_ not in past.broken
        }
    uses = [
        _use(policy, name, rows, past, change_point, likenesses, newer)
        for newer, (name, rows) in _counted_from_the_newest(past)
    ]
    used = [use for use in uses if use.use != "discard"]
    return TrainingPlan(
        span=span,
        spans=[*(use.span for use in used), span],
        strategy=policy.strategy,
        holdout=policy.holdout,
        old_holdout=policy.old_holdout,
        weights={use.span: use.weight for use in used if use.weight != 1},
        weigh_rows=policy.strategy == "importance_weighted",
        features=policy.features,
        label=policy.label,
        uses=uses,
    )


def _counted_from_the_newest(past: Past) -> Iterator[tuple[int, tuple[str, int]]]:
    """Each span with rows, oldest first, after how many are newer; this one is newer than all."""
    labelled = [(name, rows) for name, rows in past.labelled_rows if rows]
    yield from zip(range(len(labelled), 0, -1), labelled, strict=True)


def _use(
    policy: TrainingPolicy,
    name: str,
    rows: int,
    past: Past,
    change_point: datetime | None,
    likenesses: Mapping[str, Likeness] | None,
    newer: int,
) -> SpanUse:
    if name in past.broken:
        return SpanUse(span=name, rows=rows, use="discard", weight=0.0, reason=_BROKEN)
    if policy.strategy in COMPARING and likenesses is None:
        return SpanUse(span=name, rows=rows, use="keep", reason=_NOT_COMPARED)
    if policy.strategy in COMPARING:
        return _compared(policy, name, rows, likenesses)
    kept, reason = True, "every span is kept"
    if policy.strategy == "window":
        kept = newer < policy.spans
        reason = f"number {newer + 1} from the newest; the newest {policy.spans} are kept"
    elif policy.strategy == "since_change_point":
        end = past.window_ends.get(name)
        kept = change_point is None or (end is not None and end > change_point)
        reason = "no change point of the errors is known"
        if change_point:
            when = f"{change_point:%Y-%m-%d %H:%M}"
            reason = f"it {'did not end' if kept else 'ended'} before the errors changed on {when}"
    return SpanUse(span=name, rows=rows, use="keep" if kept else "discard", reason=reason)


def _compared(
    policy: TrainingPolicy, name: str, rows: int, likenesses: Mapping[str, Likeness]
) -> SpanUse:
    found, instead = likenesses.get(name), ""
    oldest = min(likenesses, default=None)
    if oldest and (name == BASELINE or name < oldest):
        found, instead = likenesses[oldest], f"judged as the oldest span compared, {oldest}: "
    if found is None:
        unknown = "too few labelled rows to compare, here or in this span"
        return SpanUse(span=name, rows=rows, use="keep", reason=unknown)
    measured = {
        "divergence": found.divergence,
        "kullback_leibler": found.kullback_leibler,
        "kolmogorov_smirnov": found.kolmogorov_smirnov,
        "separability": found.separability,
        "regret": found.regret,
        "regret_error": found.regret_error,
    }
    allowed = policy.max_regret * found.loss
    surely = found.regret - 2 * found.regret_error
    if surely > allowed:
        use, weight = "discard", 0.0
        reason = (
            f"what it teaches costs {found.regret:.4f} more per row here "
            f"(surely {surely:.4f}, allowed {allowed:.4f}): labels follow from inputs differently"
        )
    elif policy.strategy == "similar" and found.separability < ALIKE:
        use, weight, reason = "keep", 1.0, "its inputs and what follows from them are as here"
    else:
        weight = round(max(found.effective_share, _LEAST_WEIGHT), 3)
        use = "down_weight" if weight < 1 else "keep"
        reason = (
            f"what follows from its inputs is as here, but the inputs differ, most "
            f"{found.most_moved} (told apart with an area of {found.separability:.3f})"
        )
    return SpanUse(
        span=name, rows=rows, use=use, weight=weight, reason=instead + reason, **measured
    )
