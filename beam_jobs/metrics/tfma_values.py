"""What TFMA itself computed, beside the fast metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Number
from typing import Any

import numpy as np
from tensorflow_model_analysis.metrics.metric_types import MetricKey

from .memberships import SliceKey
from .plan import PlannedMetric
from .results import Measured, Results

Found = Mapping[SliceKey, Mapping[MetricKey, Any]]


@dataclass(frozen=True)
class ByTFMA:
    """Stands for a metric of which there is nothing but TFMA's values."""

    depends_on_model: bool = True
    larger_is_better: bool | None = None


def with_tfma_values(results: Results, found: Found, names: Mapping[str, str]) -> Results:
    """The results with TFMA's numbers among the metrics, without intervals, and all else that it
    found beside them.

    Args:
      names: model name in TFMA's configuration -> name in reports.
    """
    numbers: dict[MetricKey, None] = {}
    structured: dict[SliceKey, dict[MetricKey, Any]] = {}
    for slice_key, values in found.items():
        for key, value in values.items():
            if isinstance(value, Number):
                numbers[key] = None
            else:
                structured.setdefault(slice_key, {})[key] = value
    measured = [_measured(key, results, found, names) for key in numbers]
    return replace(
        results,
        metrics=[*results.metrics, *(m for m in measured if not m.against)],
        changes=[*results.changes, *(m for m in measured if m.against)],
        structured=structured,
    )


def _measured(key: MetricKey, results: Results, found: Found, names: Mapping[str, str]) -> Measured:
    values = np.array([found.get(of, {}).get(key, np.nan) for of in results.keys], float)
    none = np.full(len(values), np.nan)
    own = key._replace(is_diff=False)
    against = None
    if key.is_diff:
        (baseline,) = set(names) - {key.model_name}
        against = PlannedMetric(
            key._replace(is_diff=False, model_name=baseline), names[baseline], ByTFMA()
        )
    planned = PlannedMetric(own, names[key.model_name], ByTFMA())
    return Measured(planned, against, values, np.isfinite(values), none, none, False)
