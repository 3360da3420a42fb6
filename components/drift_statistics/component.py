"""DriftStatistics: what DriftValidator compares with, of Examples that it does not read itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import BaseChannel, component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel
from tfx.utils import json_utils

from ...beam_jobs.parameters import to_json
from ..drift_validator.config import DriftConfig
from . import executor as keys


class DriftStatisticsSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.CONFIG: component_spec.ExecutionParameter(type=str),
        keys.EXCLUDE_SPLITS: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        keys.SCHEMA: component_spec.ChannelParameter(type=standard_artifacts.Schema, optional=True),
    }
    OUTPUTS = {
        keys.STATISTICS: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics)
    }


class DriftStatistics(base_beam_component.BaseBeamComponent):
    """Measures every split of Examples in one pass, as DriftValidator does of a span's.

    For the training data, in place of StatisticsGen: exact counts in bins that are common to all
    spans, by slice, and a sample of rows.

    Outputs:
      statistics: ExampleStatistics; TFDV reads and shows ``Split-<split>/FeatureStats.pb``.
    """

    SPEC_CLASS = DriftStatisticsSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(keys.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        config: DriftConfig | Mapping[str, Any] | str = DriftConfig(),  # noqa: B008
        schema: BaseChannel | None = None,
        exclude_splits: Sequence[str] = (),
    ):
        """Measures ``examples`` as DriftValidator with the same ``config`` does.

        Args:
          schema: tells integers that are categories.
        """
        super().__init__(
            DriftStatisticsSpec(
                examples=examples,
                schema=schema,
                config=to_json(DriftConfig, config),
                exclude_splits=json_utils.dumps(list(exclude_splits)),
                statistics=as_channel([standard_artifacts.ExampleStatistics()]),
            )
        )
