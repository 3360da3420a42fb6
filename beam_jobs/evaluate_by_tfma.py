"""Metrics and plots that only TFMA itself computes."""

from __future__ import annotations

from collections.abc import Mapping

import apache_beam as beam
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

_MATERIALIZED = "materialized_prediction"
SLICES, PLOTS = "metrics", "plots"


class EvaluateByTFMA(beam.PTransform):
    """From record batches of ``evaluation_rows.SelectRows`` to what TFMA makes of them.

    Gives a dictionary of two PCollections of (slice key, or pair of them, {key: value}): SLICES,
    the metrics, and PLOTS. There are no intervals: TFMA's cost more than all else.

    Args:
      config: which metrics, of what slices.
      columns: model name in ``config`` -> column of its predictions.
    """

    def __init__(self, config: config_pb2.EvalConfig, columns: Mapping[str, str]):
        super().__init__()
        self._config = _on_columns(config, columns)

    def expand(self, batches: beam.PCollection) -> dict[str, beam.PCollection]:
        found = (
            batches
            | "Extracts" >> tfma.BatchedInputsToExtracts()
            | "TFMA"
            >> tfma.ExtractAndEvaluate(
                extractors=tfma.default_extractors(eval_config=self._config),
                evaluators=tfma.default_evaluators(eval_config=self._config),
            )
        )
        return {name: found[name] for name in (SLICES, PLOTS)}


def _on_columns(config: config_pb2.EvalConfig, columns: Mapping[str, str]) -> config_pb2.EvalConfig:
    run = config_pb2.EvalConfig()
    run.CopyFrom(config)
    for spec in run.model_specs:
        spec.model_type, spec.prediction_key = _MATERIALIZED, columns[spec.name]
    run.options.ClearField("min_slice_size")
    run.options.ClearField("compute_confidence_intervals")
    run.options.include_default_metrics.value = False
    return run
