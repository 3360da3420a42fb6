"""Whether metrics keep to the thresholds of an EvalConfig, decided on their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tensorflow_model_analysis.metrics import metric_specs
from tensorflow_model_analysis.metrics.metric_types import MetricKey
from tensorflow_model_analysis.proto import config_pb2

from .cross_slices import applies, is_pair_of
from .memberships import SliceKey
from .results import Measured, Results

Outcome = Literal["met", "not_met", "not_enough_data"]
Threshold = config_pb2.GenericValueThreshold | config_pb2.GenericChangeThreshold
Spec = config_pb2.SlicingSpec | config_pb2.CrossSlicingSpec | None
_Limit = tuple[Spec, Threshold]
_HIGHER = config_pb2.MetricDirection.HIGHER_IS_BETTER
_LOWER = config_pb2.MetricDirection.LOWER_IS_BETTER


@dataclass(frozen=True)
class Check:
    """A metric of a slice, or of a pair of slices, held against a threshold.

    Attributes:
      key: the metric's, of a difference of models where it is one.
      spec: the slices that the threshold is for; None: all.
      slice: None where there is none to check.
      rows: of the slice.
      value: NaN where there is none, as with fewer than the least rows.
      interval: the value twice of a metric that never has one; NaN where this slice allows none.
      limits: where the metric must lie; infinite where it may be anything.
      rows_needed: with how many the interval would tell, if the value stays what it is.
    """

    key: MetricKey
    spec: Spec
    threshold: Threshold
    slice: SliceKey | tuple[SliceKey, SliceKey] | None
    rows: int
    value: float
    interval: tuple[float, float]
    limits: tuple[float, float]
    rows_needed: int | None
    outcome: Outcome


def thresholds_of(config: config_pb2.EvalConfig) -> Mapping[MetricKey, list[_Limit]]:
    """The thresholds of all models but the baseline.

    Raises:
      ValueError: a threshold of change does not say which direction is better.
    """
    baselines = {spec.name for spec in config.model_specs if spec.is_baseline}
    found = metric_specs.metric_thresholds_from_metrics_specs(
        config.metrics_specs, eval_config=config
    )
    found = {key: limits for key, limits in found.items() if key.model_name not in baselines}
    for key, limits in found.items():
        for _, threshold in limits:
            if _is_change(threshold) and threshold.direction not in (_HIGHER, _LOWER):
                raise ValueError(
                    f"change_threshold of {key.name}: direction must be HIGHER_IS_BETTER or "
                    "LOWER_IS_BETTER"
                )
    return found


def check_thresholds(
    config: config_pb2.EvalConfig, results: Results, crossed: Results, min_rows: int
) -> list[Check]:
    """Checks all thresholds.

    A threshold without slices holds for every slice, as in TFMA. It is met where the whole interval
    lies within its limits, not met where none of it does; between the two, and where there are no
    rows, fewer than ``min_rows`` or no interval, there is not enough data. Of slices that are named
    by their feature alone only those with ``min_rows`` are checked.

    Args:
      crossed: of ``cross_slices``.
    """
    checks: list[Check] = []
    for key, limits in thresholds_of(config).items():
        for spec, threshold in limits:
            where = crossed if isinstance(spec, config_pb2.CrossSlicingSpec) else results
            measured = _by_key(where)
            found = [
                _check(key, spec, threshold, where, measured, i, min_rows)
                for i in _places(spec, where, min_rows)
            ]
            checks += found or [_nothing_to_check(key, spec, threshold, min_rows)]
    return checks


def _by_key(results: Results) -> dict[MetricKey, Measured]:
    found = {m.planned.key: m for m in results.metrics}
    return found | {m.planned.key.make_diff_key(): m for m in results.changes}


def _places(spec: Spec, results: Results, min_rows: int) -> list[int]:
    if isinstance(spec, config_pb2.CrossSlicingSpec):
        return [i for i, pair in enumerate(results.keys) if is_pair_of(spec, pair)]
    by_value = spec is not None and not spec.feature_keys
    is_one = applies(spec) if spec is not None else lambda key: True
    return [
        i
        for i, key in enumerate(results.keys)
        if (results.rows[i] >= min_rows or by_value or not key) and is_one(key)
    ]


def _check(
    key: MetricKey,
    spec: Spec,
    threshold: Threshold,
    results: Results,
    measured: Mapping[MetricKey, Measured],
    i: int,
    min_rows: int,
) -> Check:
    rows, m = int(results.rows[i]), measured.get(key)
    value, interval, needed = math.nan, (math.nan, math.nan), None
    if m and m.defined[i] and rows >= min_rows:
        value, interval = float(m.values[i]), (float(m.lower[i]), float(m.upper[i]))
    if m and not m.has_intervals:
        interval = (value, value)
    limits = _limits(threshold, m, measured, i)
    outcome = _outcome(interval, limits)
    if outcome == "not_enough_data":
        needed = min_rows if rows < min_rows else _rows_needed(rows, value, interval, limits)
    return Check(
        key=key,
        spec=spec,
        threshold=threshold,
        slice=results.keys[i],
        rows=rows,
        value=value,
        interval=interval,
        limits=limits,
        rows_needed=needed,
        outcome=outcome,
    )


def _nothing_to_check(key: MetricKey, spec: Spec, threshold: Threshold, min_rows: int) -> Check:
    return Check(
        key=key,
        spec=spec,
        threshold=threshold,
        slice=None,
        rows=0,
        value=math.nan,
        interval=(math.nan, math.nan),
        limits=_absolute(threshold),
        rows_needed=min_rows,
        outcome="not_enough_data",
    )


def _outcome(interval: tuple[float, float], limits: tuple[float, float]) -> Outcome:
    if interval[0] >= limits[0] and interval[1] <= limits[1]:
        return "met"
    if interval[1] < limits[0] or interval[0] > limits[1]:
        return "not_met"
    return "not_enough_data"


def _limits(
    threshold: Threshold, m: Measured | None, measured: Mapping[MetricKey, Measured], i: int
) -> tuple[float, float]:
    """Where the metric must lie: of a relative change by the far end of the baseline's interval."""
    at_least, at_most = _absolute(threshold)
    if not _is_change(threshold) or not threshold.HasField("relative"):
        return at_least, at_most
    if m is None or m.against is None:
        return math.nan, math.nan
    baseline = measured[m.against.key]
    ends = [float(array[i]) for array in (baseline.values, baseline.lower, baseline.upper)]
    margins = [threshold.relative.value * end for end in ends if not math.isnan(end)]
    if threshold.direction == _HIGHER:
        return max([at_least, *margins]), at_most
    return at_least, min([at_most, *margins])


def _absolute(threshold: Threshold) -> tuple[float, float]:
    lowest, highest = -math.inf, math.inf
    if _is_change(threshold):
        if threshold.HasField("absolute"):
            if threshold.direction == _HIGHER:
                lowest = threshold.absolute.value
            else:
                highest = threshold.absolute.value
        return lowest, highest
    if threshold.HasField("lower_bound"):
        lowest = threshold.lower_bound.value
    if threshold.HasField("upper_bound"):
        highest = threshold.upper_bound.value
    return lowest, highest


def _is_change(threshold: Threshold) -> bool:
    return isinstance(threshold, config_pb2.GenericChangeThreshold)


def _rows_needed(
    rows: int, value: float, interval: tuple[float, float], limits: tuple[float, float]
) -> int | None:
    """Intervals shrink with the root of the rows; None where no number of rows would tell."""
    shares = []
    for limit in limits:
        if math.isfinite(limit):
            end = interval[0] if limit < value else interval[1]
            shares.append(abs(end - value) / abs(limit - value) if limit != value else math.inf)
    largest = max(shares, default=math.nan)
    return math.ceil(rows * largest**2) if math.isfinite(largest) else None


def is_valid(checks: Sequence[Check]) -> bool:
    """Whether there is a threshold and all are met."""
    return bool(checks) and all(check.outcome == "met" for check in checks)
