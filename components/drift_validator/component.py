"""DriftValidator: what changed since training and since earlier spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts

from ...beam_jobs.parameters import to_json
from ..artifacts import DriftReport
from . import executor
from .config import DriftConfig


class DriftValidatorSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        executor.CONFIG_KEY: component_spec.ExecutionParameter(type=str),
        executor.SPAN_KEY: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        executor.EXAMPLES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.Examples, optional=True
        ),
        executor.STATISTICS_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics, optional=True
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
        executor.MEASURED_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        executor.REPORT_KEY: component_spec.ChannelParameter(type=DriftReport),
        executor.ANOMALIES_KEY: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleAnomalies
        ),
    }


class DriftValidator(base_beam_component.BaseBeamComponent):
    """Compares a span's Examples with the training data and with earlier spans.

    On the whole and on every slice: Jensen-Shannon divergence, location and spread of numbers,
    L-infinity norm, divergence and new values of categories, missing rates, the number of rows;
    beside them correlations, a classifier that tells the rows from earlier ones, and changes in
    the stream of errors. Each threshold is the larger of what matters and of what chance and the
    variation between spans explain, at a false discovery rate over all comparisons. A baseline
    that is not there is reported as not compared, never as no drift.

        training = DriftStatistics(examples=training_examples, config=config)
        DriftValidator(
            examples=example_gen.outputs["examples"],
            schema=schema.outputs["schema"],
            training_statistics=training.outputs["statistics"],
            reference_statistics=resolver.outputs["statistics"],
            config=config,
        )

    Instead of ``examples`` it takes ``statistics`` of the stock StatisticsGen too. Their quantiles
    tell neither location nor spread, and divergence only as finely as they are; the threshold's
    origin then is ``coarse histograms``.

    Outputs:
      span_statistics: ExampleStatistics of the examples, one pass for all slices; what later spans
        are compared with. TFDV reads ``Split-<split>/FeatureStats.pb``. Empty where ``statistics``
        were given.
      report: ``tfx_vigil.DriftReport``; custom properties ``drift`` (0 or 1), ``severity`` (none,
        watch or act) and ``drifted_features`` (how many).
      anomalies: ExampleAnomalies as ExampleValidator writes them,
        ``Split-<split>/SchemaDiff.pb``, and each slice's in
        ``Slice-<name, percent-encoded>/Split-<split>/SchemaDiff.pb``; all are read by
        ``tensorflow_data_validation.utils.anomalies_util.load_anomalies_binary``.
    """

    SPEC_CLASS = DriftValidatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel | None = None,
        statistics: types.BaseChannel | None = None,
        schema: types.BaseChannel | None = None,
        training_statistics: types.BaseChannel | None = None,
        reference_statistics: types.BaseChannel | None = None,
        config: DriftConfig | Mapping[str, Any] | str = DriftConfig(),  # noqa: B008
        span: str | RuntimeParameter = "",
    ):
        """Compares ``examples``, or else what ``statistics`` tell of them.

        Args:
          reference_statistics: earlier spans, each an artifact that this component or StatisticsGen
            wrote (a Resolver finds them), or as BaselineResolver gives them.
          span: the span's name; of ISO dates it tells seasons and how long a finding lasts.

        Raises:
          ValueError: where neither or both of ``examples`` and ``statistics`` are given.
        """
        if (examples is None) == (statistics is None):
            raise ValueError("DriftValidator needs either examples or statistics")
        super().__init__(
            DriftValidatorSpec(
                **{
                    executor.EXAMPLES_KEY: examples,
                    executor.STATISTICS_KEY: statistics,
                    executor.SCHEMA_KEY: schema,
                    executor.TRAINING_STATISTICS_KEY: training_statistics,
                    executor.REFERENCE_STATISTICS_KEY: reference_statistics,
                    executor.CONFIG_KEY: to_json(DriftConfig, config),
                    executor.SPAN_KEY: span,
                    executor.MEASURED_KEY: types.Channel(type=standard_artifacts.ExampleStatistics),
                    executor.REPORT_KEY: types.Channel(type=DriftReport),
                    executor.ANOMALIES_KEY: types.Channel(type=standard_artifacts.ExampleAnomalies),
                }
            )
        )
