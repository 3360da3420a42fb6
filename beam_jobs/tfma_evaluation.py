"""TensorFlow Model Analysis on predictions that are columns already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from .evaluation_config import EvaluationConfig, Metric
from .metric_moments import SliceKey

_MATERIALIZED = "materialized_prediction"


class EvaluateWithTFMA(beam.PTransform):
    """From record batches of ``SelectRows`` to (slice key, {(model, metric): value}) pairs.

    Writes TFMA's result files (``eval_config.json``, ``metrics-*.tfrecord``) to ``output_uri``;
    ``tfma.load_eval_result(output_uri, model_name=...)`` reads them (the name only if there are
    two models). Slices under the minimum size carry TFMA's ``__ERROR__`` instead of metrics; the
    files hold no other slices than ``named``.

    Args:
      named: (slice key, anything), each key once.
      predictions: model -> its prediction column.
      locations: model -> where it lies, for display.
      baseline: of two models the one that the other is compared with.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        predictions: Mapping[str, str],
        locations: Mapping[str, str],
        baseline: str | None,
        output_uri: str,
        named: beam.PCollection,
    ):
        super().__init__()
        self._named = named
        self._eval_config = eval_config(config, predictions, baseline)
        given = [spec.name for spec in self._eval_config.model_specs]  # "" for a sole model
        self._names = dict(zip(given, predictions, strict=True))
        self._locations = {key: locations.get(name, "") for key, name in self._names.items()}
        self._output_uri = output_uri

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        config = self._eval_config
        models = [
            tfma.default_eval_shared_model(path, model_name=name, eval_config=config)
            for name, path in self._locations.items()
        ]
        evaluation = (
            batches
            | "ToExtracts" >> tfma.BatchedInputsToExtracts()
            | "Evaluate"
            >> tfma.ExtractAndEvaluate(
                extractors=tfma.default_extractors(eval_shared_model=models, eval_config=config),
                evaluators=tfma.default_evaluators(eval_shared_model=models, eval_config=config),
            )
        )
        writers = [
            tfma.writers.EvalConfigWriter(
                self._output_uri, eval_config=config, model_locations=self._locations
            ),
            tfma.writers.MetricsPlotsAndValidationsWriter(
                output_paths={tfma.METRICS_KEY: f"{self._output_uri}/{tfma.METRICS_KEY}"},
                eval_config=config,
                output_file_format="tfrecord",
            ),
        ]
        values = evaluation[tfma.METRICS_KEY]
        evaluation[tfma.METRICS_KEY] = (
            {"values": values, "named": self._named}
            | "MatchNamed" >> beam.CoGroupByKey()
            | "TakeNamed" >> beam.FlatMap(_named_values)
        )
        _ = evaluation | "Write" >> tfma.WriteResults(writers=writers)
        return values | "TakeValues" >> beam.Map(_point_values, self._names)


def _named_values(
    matched: tuple[SliceKey, Mapping[str, Iterable]],
) -> list[tuple[SliceKey, Mapping[Any, Any]]]:
    key, found = matched
    return [(key, values) for values in found["values"]] if list(found["named"]) else []


def _point_values(
    result: tuple[SliceKey, Mapping[Any, Any]], names: Mapping[str, str]
) -> tuple[SliceKey, dict[tuple[str, str], float]]:
    slice_key, metrics = result
    values = {
        (names[key.model_name], key.name): float(value)
        for key, value in metrics.items()
        if not isinstance(key, str) and not key.is_diff  # not "__ERROR__"
    }
    return slice_key, values


def eval_config(
    config: EvaluationConfig, predictions: Mapping[str, str], baseline: str | None
) -> config_pb2.EvalConfig:
    """TFMA's configuration of the same evaluation."""
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
            config_pb2.SlicingSpec(feature_keys=features) for features in [[], *config.slices]
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    _metric_config(config.metric(name), config.threshold)
                    for name in config.metric_names
                ]
            )
        ],
        options=config_pb2.Options(
            include_default_metrics={"value": False},
            min_slice_size={"value": config.smallest_measured},
        ),
    )


def _metric_config(metric: Metric, threshold: float) -> config_pb2.MetricConfig:
    arguments = dict(metric.arguments)
    if metric.threshold_argument:
        arguments[metric.threshold_argument] = threshold
    return config_pb2.MetricConfig(class_name=metric.tfma_class, config=json.dumps(arguments))
