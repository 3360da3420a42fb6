"""A Beam job that writes the statistics of an Examples artifact's splits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from tfx import types

from ...beam_jobs.drift_statistics.job import (
    DriftStatistics,
    StatisticsConfig,
    WriteStatistics,
    codes_of,
)
from ...beam_jobs.evaluation_config import EvaluationConfig
from ...beam_jobs.examples import ReadExamples, split_pattern
from ..drift_validator.config import DriftConfig
from ..drift_validator.model_versions import VERSION

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2


def statistics_config(
    config: DriftConfig, schema: schema_pb2.Schema | None = None
) -> StatisticsConfig:
    """What is measured so that ``config`` can compare it."""
    errors = None
    if config.task is not None:
        errors = EvaluationConfig(
            label=config.label,
            prediction=config.prediction,
            task=config.task,
            positive_class=config.positive_class,
        )
    return StatisticsConfig(
        slices=tuple(tuple(features) for features in config.slices),
        features=frozenset(config.features) or None,
        ignore=tuple(config.ignore),
        codes=codes_of(schema) | frozenset(config.codes),
        sampled=frozenset({VERSION}) if config.sample_rows else None,
        min_group_rows=config.min_group_rows,
        errors=errors,
        time=config.time,
    )


def split_patterns(artifact: types.Artifact, splits: Sequence[str]) -> dict[str, str]:
    """The file pattern of each split."""
    return {split: split_pattern(artifact.uri, split) for split in splits}


def measure_splits(
    pipeline: beam.Pipeline, patterns: Mapping[str, str], uri: str, config: StatisticsConfig
) -> None:
    """Adds to ``pipeline`` what writes the statistics of each split below ``uri``.

    A split without a file, to which no label has come yet, is one without rows. What is sliced by
    may come with the labels, and is then in one split only.
    """
    for split, pattern in patterns.items():
        [match] = FileSystems.match([pattern])
        rows = ReadExamples([pattern]) if match.metadata_list else beam.Create([])
        _ = (
            pipeline
            | f"Read {split}" >> rows
            | f"Measure {split}" >> DriftStatistics(config, every_slice=False)
            | f"Write {split}" >> WriteStatistics(uri, split)
        )
