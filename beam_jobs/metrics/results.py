"""What the statistics of slices say about planned metrics: values and intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics.metric_types import MetricKey

from .intervals import Bounds
from .memberships import SliceKey
from .plan import Plan, PlannedMetric
from .slice_table import SliceStatistics

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Measured:
    """A metric, or the difference of two models' (``against`` is the other's), in all slices.

    Attributes:
      values: TFMA's numbers, float64 [slices].
      defined: whether they mean anything, bool [slices].
      lower, upper: of the interval, NaN where there is none.
      has_intervals: whether the metric ever has one.
    """

    planned: PlannedMetric
    against: PlannedMetric | None
    values: np.ndarray
    defined: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    has_intervals: bool = True


@dataclass(frozen=True)
class Results:
    """Number i of every array is the slice, or pair of slices, ``keys[i]`` with ``rows[i]`` rows.

    ``structured``: metrics that are no numbers.
    """

    keys: list[SliceKey] | list[tuple[SliceKey, SliceKey]]
    rows: np.ndarray
    metrics: list[Measured]
    changes: list[Measured]
    structured: Mapping[SliceKey, Mapping[MetricKey, Any]] = field(default_factory=dict)


def measure(plan: Plan, known: SliceStatistics, min_rows: int | None = None) -> Results:
    """Values are NaN, and intervals absent, where a slice does not define them.

    Args:
      min_rows: see ``confidence_levels``.
    """
    confidence = confidence_levels(known, min_rows)
    with np.errstate(divide="ignore", invalid="ignore"):
        metrics = list(_metrics(plan, known, confidence))
        changes = list(_changes(plan, known, confidence))
    return Results(known.keys, known.rows, metrics, changes)


def confidence_levels(known: SliceStatistics, min_rows: int | None) -> np.ndarray:
    """Of the interval of each slice, float64 [slices].

    Args:
      min_rows: intervals hold simultaneously over all slices of so many rows; None: each alone.
        Sidak (1967), "Rectangular confidence regions for the means of multivariate normal
        distributions", JASA 62. That of the whole always holds alone.
    """
    whole = np.array([not key for key in known.keys], bool)
    levels = np.full(len(known.keys), CONFIDENCE)
    if min_rows is not None:
        slices = (~whole & (known.rows >= min_rows)).sum()
        levels[~whole] = CONFIDENCE ** (1 / max(slices, 1))
    return levels


def _metrics(plan: Plan, known: SliceStatistics, confidence: np.ndarray) -> Iterator[Measured]:
    for planned in plan.metrics:
        values = planned.metric.values(known)
        defined = planned.metric.defined(known) & np.isfinite(values)
        bounds = planned.metric.bounds(known, confidence)
        ends = _where(defined & (known.rows > 1), bounds)
        yield Measured(planned, None, values, defined, *ends, bounds is not None)


def _changes(plan: Plan, known: SliceStatistics, confidence: np.ndarray) -> Iterator[Measured]:
    for mine, theirs in plan.pairs:
        values = mine.metric.values(known) - theirs.metric.values(known)
        defined = mine.metric.defined(known) & theirs.metric.defined(known) & np.isfinite(values)
        bounds = mine.metric.difference_bounds(theirs.metric, known, confidence)
        ends = _where(defined & (known.rows > 1), bounds)
        yield Measured(mine, theirs, values, defined, *ends, bounds is not None)


def _where(holds: np.ndarray, bounds: Bounds | None) -> Bounds:
    none = np.full(len(holds), np.nan)
    lower, upper = bounds or (none, none)
    told = holds & np.isfinite(lower) & np.isfinite(upper)
    return np.where(told, lower, np.nan), np.where(told, upper, np.nan)
