"""Which fast metric a metric of an EvalConfig is."""

from __future__ import annotations

import json

from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from ..evaluation_config import BINARY, MULTI_CLASS
from .binary import binary_metric
from .calibration import calibration_metric
from .metric import FastMetric
from .multi_class import Macro, multi_class_metric
from .quantities import View
from .ratio import Total
from .regression import regression_metric


def fast_form(
    key: metric_types.MetricKey,
    spec: config_pb2.MetricsSpec,
    config: config_pb2.MetricConfig,
    model: str,
    task: str,
) -> FastMetric | None:
    """The fast form of the metric ``config`` of ``spec`` under its key; None if it has none.

    Args:
      model: name in reports.
      task: of EvaluationConfig.
    """
    weighted, sub_key = bool(key.example_weighted), key.sub_key
    if task == MULTI_CLASS:
        if key.aggregation_type:
            classes = dict(sorted(spec.aggregate.class_weights.items()))
            if sub_key or not key.aggregation_type.macro_average:
                return None
            parts = [_of_numbers(config, View(model, c), weighted, True) for c in classes]
            return None if None in parts else Macro(tuple(parts), tuple(classes.values()))
        if sub_key:
            is_class = sub_key.class_id is not None
            view = View(model, sub_key.class_id) if is_class else None
            return view and _of_numbers(config, view, weighted, True)
        name, arguments = config.class_name, json.loads(config.config or "{}")
        count = calibration_metric(name, arguments, View(model), weighted, False)
        if isinstance(count, Total):
            return count
        return multi_class_metric(name, arguments, View(model), weighted)
    if sub_key or key.aggregation_type:
        return None
    return _of_numbers(config, View(model), weighted, task == BINARY)


def _of_numbers(
    config: config_pb2.MetricConfig, view: View, weighted: bool, binary: bool
) -> FastMetric | None:
    """The fast form of a metric of one label and one score a row."""
    arguments, name = json.loads(config.config or "{}"), config.class_name
    return (
        binary_metric(name, arguments, view, weighted)
        or regression_metric(name, arguments, view, weighted, binary)
        or calibration_metric(name, arguments, view, weighted, binary)
    )
