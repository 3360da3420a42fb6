"""The statistics of a table given by hand."""

from __future__ import annotations

import tempfile

from apache_beam.options.pipeline_options import PipelineOptions

from ..tables import flat_batches
from .accumulator import BATCH_ROWS
from .files import SplitStatistics, read_statistics
from .job import StatisticsConfig, add, finished, write_table_statistics


def table_statistics(
    path: str, config: StatisticsConfig, options: PipelineOptions | None = None
) -> SplitStatistics:
    """The statistics of the table at ``path`` (see ``tables.ReadTable``).

    Parquet and CSV are read here, tf.Examples, and everything where there are ``options``, by Beam.

    Raises:
      FileNotFoundError, ValueError: as ReadTable and DriftStatistics do.
    """
    batches = flat_batches(path, BATCH_ROWS) if options is None else None
    if batches is None:
        with tempfile.TemporaryDirectory() as folder:
            write_table_statistics(path, folder, "all", config, options)
            return read_statistics(folder, "all")
    measured, rows = config.started(), 0
    for batch in batches:
        add(measured, batch)
        rows += batch.num_rows
    return finished(measured, rows, config, written=False)
