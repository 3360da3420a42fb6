"""Runs the job that measures Examples."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, json_utils

from ..drift_validator.config import DriftConfig
from .measure import measure_splits, split_patterns, statistics_config

CONFIG = "config"
EXCLUDE_SPLITS = "exclude_splits"
EXAMPLES = "examples"
SCHEMA = "schema"
STATISTICS = "statistics"


class Executor(base_beam_executor.BaseBeamExecutor):
    """See DriftStatistics."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
        statistics = artifact_utils.get_single_instance(output_dict[STATISTICS])
        excluded = json_utils.loads(exec_properties[EXCLUDE_SPLITS])
        splits = [
            split
            for split in artifact_utils.decode_split_names(examples.split_names)
            if split not in excluded
        ]
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples.span
        config = DriftConfig.model_validate_json(exec_properties[CONFIG])
        with self._make_beam_pipeline() as pipeline:
            measure_splits(
                pipeline,
                split_patterns(examples, splits),
                statistics.uri,
                statistics_config(config, read_schema(input_dict.get(SCHEMA))),
            )


def read_schema(artifacts: list[types.Artifact] | None):
    """The schema in the one artifact, as TFX writes it; None without one."""
    if not artifacts:
        return None
    uri = artifact_utils.get_single_uri(artifacts)
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(uri))
