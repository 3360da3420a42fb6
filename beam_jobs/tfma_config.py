"""Our parameters of an evaluation as TFMA's EvalConfig."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from tensorflow_model_analysis.proto import config_pb2

from .evaluation_config import EvaluationConfig, Metric

_MATERIALIZED = "materialized_prediction"


def eval_config(
    config: EvaluationConfig, predictions: Mapping[str, str], baseline: str | None
) -> config_pb2.EvalConfig:
    """TFMA's configuration of the same evaluation.

    Args:
      predictions: model -> its prediction column; a sole model has no name in TFMA.
      baseline: of two models the one that the other is compared with.
    """
    alone = len(predictions) == 1
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                name="" if alone else name,
                model_type=_MATERIALIZED,
                label_key=config.label,
                prediction_key=column,
                is_baseline=not alone and name == baseline,
            )
            for name, column in predictions.items()
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(feature_keys=features) for features in [[], *config.all_slices]
        ],
        cross_slicing_specs=[
            config_pb2.CrossSlicingSpec(
                baseline_spec={}, slicing_specs=[config_pb2.SlicingSpec(feature_keys=[feature])]
            )
            for feature in config.fairness
        ],
        metrics_specs=list(_metrics_specs(config, [""] if alone else list(predictions))),
        options=config_pb2.Options(
            include_default_metrics={"value": False},
            min_slice_size={"value": config.smallest_measured},
        ),
    )


def _metrics_specs(
    config: EvaluationConfig, models: Sequence[str]
) -> Iterator[config_pb2.MetricsSpec]:
    every_class = config_pb2.AggregationOptions(
        macro_average=True, class_weights=dict.fromkeys(range(len(config.classes)), 1.0)
    )
    metrics = [config.metric(name) for name in config.metric_names]
    metrics = [metric for metric in metrics if metric.tfma_class]
    for macro, aggregate in ((False, None), (True, every_class)):
        chosen = [_metric_config(m, config.threshold) for m in metrics if m.macro == macro]
        if chosen:
            yield config_pb2.MetricsSpec(metrics=chosen, model_names=models, aggregate=aggregate)


def _metric_config(metric: Metric, threshold: float) -> config_pb2.MetricConfig:
    arguments = dict(metric.arguments)
    if metric.threshold_argument:
        arguments[metric.threshold_argument] = threshold
    return config_pb2.MetricConfig(class_name=metric.tfma_class, config=json.dumps(arguments))
