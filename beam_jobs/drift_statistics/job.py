"""One pass over rows that writes what drift is judged by: statistics, a sample, errors."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2

from ..accounting import check_identity
from ..engine import job_options
from ..evaluation_config import EvaluationConfig
from ..tables import ReadTable
from .accumulator import Accumulator, Plan
from .direct import span_statistics
from .error_stream import ErrorStream
from .files import SplitStatistics, write_statistics
from .to_tfdv import to_tfdv


@dataclass(frozen=True)
class StatisticsConfig:
    """What is measured of a split's rows.

    Attributes:
      slices: features to slice by; each inner tuple is one crossing.
      features: the columns to measure; None: every column. Each costs time in each slice.
      ignore: patterns of columns that are not measured, unless they are in ``features``.
      codes: columns of numbers that are categories.
      sampled: further columns that the sample of rows has; None: no sample is taken.
      min_group_rows: slices with fewer rows are not written, only counted.
      errors: where the rows hold labels, how to tell the errors of the predictions.
      time: column of the event times, microseconds.
    """

    slices: tuple[tuple[str, ...], ...] = ()
    features: frozenset[str] | None = None
    ignore: tuple[str, ...] = ()
    codes: frozenset[str] = frozenset()
    sampled: frozenset[str] | None = frozenset()
    min_group_rows: int = 10
    errors: EvaluationConfig | None = None
    time: str = "log_event_time"

    def started(self) -> tuple[Accumulator, ErrorStream | None]:
        plan = Plan(self.slices, self.features, self.ignore, self.codes, self.sampled)
        errors = None if self.errors is None else ErrorStream(self.errors, self.time)
        return Accumulator(plan), errors


def codes_of(schema: schema_pb2.Schema | None) -> frozenset[str]:
    """The integers that the schema declares to be categories, as StatisticsGen tells them."""
    found = set()
    for feature in schema.feature if schema is not None else ():
        domain = feature.WhichOneof("domain_info")
        if feature.type == schema_pb2.INT and (
            feature.int_domain.is_categorical
            or domain in ("bool_domain", "natural_language_domain")
        ):
            found.add(feature.name)
    return frozenset(found)


class DriftStatistics(beam.PTransform):
    """Record batches as tfx-bsl gives them in, one SplitStatistics out.

    Args:
      every_slice: refuses features to slice by that are in none of the rows.

    Raises (when the pipeline runs):
      AccountError: when the statistics do not cover every row.
      ValueError: when a feature to slice by is in none of the rows, or a column is text in some
        rows and numbers in others.
    """

    def __init__(self, config: StatisticsConfig, every_slice: bool = True):
        super().__init__()
        self._config, self._every_slice = config, every_slice

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        rows = (
            batches
            | "Rows" >> beam.Map(_row_count).with_output_types(int)
            | "Sum" >> beam.CombineGlobally(sum)
        )
        return (
            batches
            | "Measure" >> beam.CombineGlobally(_Measure(self._config))
            | "Check"
            >> beam.Map(finished, beam.pvalue.AsSingleton(rows), self._config, self._every_slice)
        )


Measured = tuple[Accumulator, ErrorStream | None]


class _Measure(beam.CombineFn):
    def __init__(self, config: StatisticsConfig):
        self._config = config

    def create_accumulator(self) -> Measured:
        return self._config.started()

    def add_input(self, measured: Measured, batch: pa.RecordBatch) -> Measured:
        add(measured, batch)
        return measured

    def merge_accumulators(self, parts: Iterable[Measured]) -> Measured:
        whole = self.create_accumulator()
        for accumulator, errors in parts:
            whole[0].merge(accumulator)
            if errors is not None:
                whole[1].merge(errors)
        return whole

    def compact(self, measured: Measured) -> Measured:
        measured[0].count()
        return measured

    def extract_output(self, measured: Measured) -> Measured:
        return measured


def add(measured: Measured, batch: pa.RecordBatch) -> None:
    accumulator, errors = measured
    accumulator.add(batch)
    if errors is not None:
        errors.add(batch)


def finished(
    measured: Measured,
    rows: int,
    config: StatisticsConfig,
    every_slice: bool = True,
    written: bool = True,
) -> SplitStatistics:
    """What is known of ``rows`` rows; raises as DriftStatistics does.

    Args:
      written: to a file, that is; else slices are only told as objects, in much less time.
    """
    accumulator, errors = measured
    accumulator.count()
    check_identity(
        {"rows_read": rows, "rows_measured": accumulator.rows}, "rows_read", ["rows_measured"]
    )
    known = sorted(accumulator.features)
    unknown = sorted({name for names in config.slices for name in names} - set(known))
    if unknown and rows and every_slice:
        raise ValueError(
            f"cannot slice by {', '.join(unknown)}: not a column of the data, which has "
            f"{', '.join(known)}"
        )
    return SplitStatistics(
        to_tfdv(accumulator, config.min_group_rows, slices=written),
        None if config.sampled is None else accumulator.sample.table(),
        None if errors is None else errors.table(),
        None if written else span_statistics(accumulator, config.min_group_rows),
    )


def _row_count(batch: pa.RecordBatch) -> int:
    return batch.num_rows


def write_table_statistics(
    path: str,
    uri: str,
    split: str,
    config: StatisticsConfig,
    options: PipelineOptions | None = None,
) -> None:
    """Writes the statistics of the table at ``path`` (see ReadTable) as a split below ``uri``."""
    with beam.Pipeline(options=options or job_options()) as pipeline:
        _ = (
            pipeline
            | "Read" >> ReadTable(path)
            | "Measure" >> DriftStatistics(config)
            | "Write" >> WriteStatistics(uri, split)
        )


class WriteStatistics(beam.PTransform):
    """Writes the one SplitStatistics to ``Split-<split>`` below ``uri``."""

    def __init__(self, uri: str, split: str):
        super().__init__()
        self._uri, self._split = uri, split

    def expand(self, statistics: beam.PCollection) -> beam.PCollection:
        return statistics | "Write" >> beam.Map(
            lambda found, uri, split: write_statistics(uri, split, found), self._uri, self._split
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Writes a table's statistics; other flags go to Beam."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="Parquet, CSV or tf.Examples: file, glob or folder")
    parser.add_argument("output", help="folder to write Split-<split>/FeatureStats.pb into")
    parser.add_argument("--split", default="all")
    parser.add_argument(
        "--slice-by", action="append", default=[], help="feature, or features to cross: a,b"
    )
    args, beam_args = parser.parse_known_args(argv)
    config = StatisticsConfig(tuple(tuple(names.split(",")) for names in args.slice_by))
    write_table_statistics(args.table, args.output, args.split, config, job_options(beam_args))
