"""Drift between two tables, without a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2

from ...beam_jobs.drift_statistics.files import SplitStatistics
from ...beam_jobs.drift_statistics.table import table_statistics
from ...beam_jobs.reports import DriftReport
from ..drift_statistics.measure import statistics_config
from .compare import compare
from .config import DriftConfig


def compare_tables(
    baseline_path: str,
    current_path: str,
    slices: Sequence[Sequence[str]] = (),
    config: DriftConfig | None = None,
    schema: schema_pb2.Schema | None = None,
    options: PipelineOptions | None = None,
) -> DriftReport:
    """The drift of one table against another; the baseline is reported as ``training``.

    Args:
      baseline_path, current_path: see ``beam_jobs.tables.ReadTable``.
      slices: columns to slice by, each inner list one crossing.
      config: thresholds and roles of columns; its ``splits`` and ``slices`` are not used.
      schema: tells integers that are categories; inferred from the baseline where None.
      options: of the Beam pipelines that compute the statistics.

    Raises:
      FileNotFoundError, ValueError: where a table cannot be read, has no such column to slice by,
        or, with a ``task``, no errors.
    """
    config = (config or DriftConfig()).model_copy(
        update={"splits": [], "slices": [list(features) for features in slices]}
    )
    measured = statistics_config(config, schema)
    baseline, current = (
        table_statistics(path, measured, options) for path in (baseline_path, current_path)
    )
    if config.task is not None and not all(
        each.errors is not None and each.errors.num_rows for each in (baseline, current)
    ):
        raise ValueError(
            f"no errors to compare: no row of one or both tables has a {config.label!r}, a "
            f"{config.prediction!r} and a time {config.time!r}; name the columns, or leave out "
            "the task"
        )
    return compare_statistics(baseline, current, config, schema)


def compare_statistics(
    baseline: SplitStatistics,
    current: SplitStatistics,
    config: DriftConfig,
    schema: schema_pb2.Schema | None = None,
) -> DriftReport:
    """As ``compare_tables``, of tables that are measured already."""
    return compare({"current": current}, baseline, None, schema, config).report
