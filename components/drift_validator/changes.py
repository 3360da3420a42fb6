"""What a drifted comparison says has changed, and in which direction."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...beam_jobs.reports import Comparison, Detail, Distribution, DriftKind
from .detectors import CLASSIFIER, CORRELATION, STREAMS

_FAMILIES = {
    CORRELATION: "correlation",
    CLASSIFIER: "rows_together",
    "number_of_examples": "number",
    "missing_rate_difference": "missing",
    **dict.fromkeys(STREAMS, "errors"),
}
_FELT = 0.02
_AS_LARGE = 0.9


class Subject(NamedTuple):
    """What comparisons of one change have in common; ``family``: which kinds they can be."""

    feature: str
    aspect: str
    family: str
    slice: str


class Change(NamedTuple):
    """``category``: the bin that moved most, where the kind is about one."""

    kind: DriftKind
    category: str | None = None


def subject_of(comparison: Comparison) -> Subject:
    aspect = "projection" if comparison.aspect.startswith("projection") else comparison.aspect
    return Subject(comparison.feature, aspect, _family(comparison.distance), comparison.slice)


def name_of(comparison: Comparison) -> str:
    """The feature, or in words what a pair or ``*`` stands for."""
    family = _family(comparison.distance)
    if family == "correlation":
        return f"correlation of {comparison.feature}"
    if comparison.feature != "*":
        return comparison.feature
    return "errors" if family == "errors" else "all rows"


def change_of(comparison: Comparison) -> Change:
    """The change, as its distance and distributions tell it."""
    family, distribution = _family(comparison.distance), comparison.distribution
    if family == "correlation":
        return Change("correlation_changed")
    if family == "rows_together":
        return Change("rows_separable")
    if family == "errors":
        return Change("errors_fell" if _fell(comparison.detail) else "errors_rose")
    if family == "number":
        grew = comparison.n_current >= comparison.n_baseline
        return Change("more_rows" if grew else "fewer_rows")
    if comparison.distance == "new_values":
        return Change("new_values")
    if distribution is None:
        return Change("distribution_changed")
    if family == "missing":
        return Change("more_missing" if _moved(distribution)[0] > 0 else "fewer_missing")
    if distribution.ordered:
        return Change(_ordered_kind(comparison.distance, distribution))
    place = _most_moved(distribution)
    grew = _moved(distribution)[place] > 0
    return Change("category_grew" if grew else "category_shrank", distribution.bins[place])


def rise(distribution: Distribution) -> float:
    """P(current > baseline) + P(equal) / 2 - 1/2 of one row each, bins being values."""
    baseline, current = _sides(distribution)
    below = np.cumsum(baseline) - baseline / 2
    return float(current @ below / max(current.sum() * baseline.sum(), 1e-300) - 0.5)


def widening(distribution: Distribution) -> float:
    """How much farther from the middle of all rows, in ranks, the current rows are; in sd of a
    uniform rank: 0 alike, negative where they are closer to it."""
    baseline, current = _sides(distribution)
    pooled = (baseline + current) / 2
    ranks = np.cumsum(pooled) - pooled / 2
    return float((current - baseline) @ (ranks - 0.5) ** 2 * 12)


def _ordered_kind(distance: str, distribution: Distribution) -> DriftKind:
    up, wide = rise(distribution), widening(distribution)
    if distance == "location" or (distance != "spread" and abs(up) >= max(_FELT, abs(wide) / 4)):
        return "values_rose" if up > 0 else "values_fell"
    if distance == "spread" or abs(wide) >= _FELT:
        return "spread_grew" if wide > 0 else "spread_shrank"
    return "distribution_changed"


def _fell(detail: Detail | None) -> bool:
    known = detail is not None and detail.before is not None and detail.after is not None
    return known and detail.after < detail.before


def _most_moved(distribution: Distribution) -> int:
    """Of categories that moved about as much as the most moved one, the first by name."""
    size = np.abs(_moved(distribution))
    about = np.flatnonzero(size >= _AS_LARGE * size.max())
    return int(min(about, key=lambda i: distribution.bins[i]))


def _sides(distribution: Distribution) -> tuple[np.ndarray, np.ndarray]:
    return np.array(distribution.baseline), np.array(distribution.current)


def _moved(distribution: Distribution) -> np.ndarray:
    baseline, current = _sides(distribution)
    return current - baseline


def _family(distance: str) -> str:
    return _FAMILIES.get(distance, "values")
