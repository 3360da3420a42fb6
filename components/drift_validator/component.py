"""DriftValidator: what changed since training and since the last span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from ...beam_jobs.parameters import to_json
from ..artifacts import DriftReport
from . import executor
from .config import DriftConfig


class DriftValidatorSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        executor.CONFIG_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        executor.SCHEMA_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Schema, optional=True
        ),
        executor.TRAINING_STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True, allow_empty=True
        ),
        executor.REFERENCE_STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True, allow_empty=True
        ),
    }
    OUTPUTS = {
        executor.REPORT_KEY: component_spec.ChannelParameter(type=DriftReport),
        executor.ANOMALIES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleAnomalies
        ),
    }


class DriftValidator(base_component.BaseComponent):
    """Compares a span's statistics with the training data's and with earlier spans'.

    Numeric features by Jensen-Shannon divergence, categorical ones by L-infinity norm, both by
    TFDV's comparators on histograms brought to common bins first; missing rates by their
    difference; on the whole and on every slice. Each threshold knows the number of rows and of
    comparisons. A baseline that is not there is reported as not compared, never as no drift.

    Works on the statistics of the stock StatisticsGen, best with
    ``stats_options(slices, schema)`` from ``beam_jobs.slice_statistics``:

        StatisticsGen(examples, stats_options=stats_options([["payment_type"]]))
        DriftValidator(
            statistics=statistics_gen.outputs["statistics"],
            schema=schema.outputs["schema"],
            training_statistics=training.outputs["statistics"],
            config=DriftConfig(slices=[["payment_type"]]),
        )

    Outputs:
      report: ``tfx_vigil.DriftReport``; custom properties ``drift`` (0 or 1), ``severity`` (none,
        watch or act) and ``drifted_features`` (how many).
      anomalies: ExampleAnomalies as ExampleValidator writes them,
        ``Split-<split>/SchemaDiff.pb``, and each slice's in
        ``Slice-<name, percent-encoded>/Split-<split>/SchemaDiff.pb``; all are read by
        ``tensorflow_data_validation.utils.anomalies_util.load_anomalies_binary``.
    """

    SPEC_CLASS = DriftValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        statistics: types.BaseChannel,
        schema: types.BaseChannel | None = None,
        training_statistics: types.BaseChannel | None = None,
        reference_statistics: types.BaseChannel | None = None,
        config: DriftConfig | Mapping[str, Any] | str = DriftConfig(),  # noqa: B008
    ):
        super().__init__(
            DriftValidatorSpec(
                **{
                    executor.STATISTICS_KEY: statistics,
                    executor.SCHEMA_KEY: schema,
                    executor.TRAINING_STATISTICS_KEY: training_statistics,
                    executor.REFERENCE_STATISTICS_KEY: reference_statistics,
                    executor.CONFIG_KEY: to_json(DriftConfig, config),
                    executor.REPORT_KEY: types.Channel(type=DriftReport),
                    executor.ANOMALIES_KEY: types.Channel(type=standard_artifacts.ExampleAnomalies),
                }
            )
        )
