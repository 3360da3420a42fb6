"""TFDV statistics of a table, of the whole and of each slice."""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterable, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa
import tensorflow_data_validation as tfdv
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_data_validation import constants
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_bsl.public.proto import slicing_spec_pb2

from .accounting import check_identity
from .engine import job_options
from .tables import ReadTable

QUANTILE_BUCKETS = 40
QUANTILE_ERROR = 0.001
RANKED_VALUES = 1000


def stats_options(
    slices: Sequence[Sequence[str]] = (),
    schema: schema_pb2.Schema | None = None,
    features: Sequence[str] | None = None,
) -> tfdv.StatsOptions:
    """Options for StatisticsGen under which distributions can be compared soundly.

    They survive StatisticsGen's JSON (slice functions would not). Nothing is sampled; the
    quantile histogram is fine enough to read counts off at any bin edge; the rank histogram
    keeps 1,000 values.

    Args:
      slices: features to slice by; each inner list is one crossing.
      schema: tells TFDV which integers are categories. Leave it out where StatisticsGen gets
        the schema as an input.
      features: the columns to measure; every column where None. Each costs time in each slice.
    """
    specs = [slicing_spec_pb2.SlicingSpec(feature_keys=features) for features in slices]
    return tfdv.StatsOptions(
        schema=schema,
        feature_allowlist=None if features is None else list(features),
        slicing_config=slicing_spec_pb2.SlicingConfig(slicing_specs=specs) if specs else None,
        num_quantiles_histogram_buckets=QUANTILE_BUCKETS,
        num_rank_histogram_buckets=RANKED_VALUES,
        epsilon=QUANTILE_ERROR,
    )


class SliceStatistics(beam.PTransform):
    """Record batches in, one DatasetFeatureStatisticsList of the whole and every slice out.

    Raises (when the pipeline runs):
      AccountError: when the statistics do not cover every row.
      ValueError: when a feature to slice by is in none of the rows.
    """

    def __init__(
        self, slices: Sequence[Sequence[str]] = (), schema: schema_pb2.Schema | None = None
    ):
        super().__init__()
        self._slices = [list(features) for features in slices]
        self._options = stats_options(slices, schema)

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        rows = (
            batches
            | "Rows" >> beam.Map(_row_count).with_output_types(int)
            | "Sum" >> beam.CombineGlobally(sum)
        )
        return (
            batches
            | "Statistics" >> tfdv.GenerateStatistics(self._options)
            | "Check" >> beam.Map(_checked, beam.pvalue.AsSingleton(rows), self._slices)
        )


def write_table_statistics(
    path: str,
    output: str,
    slices: Sequence[Sequence[str]] = (),
    schema: schema_pb2.Schema | None = None,
    options: PipelineOptions | None = None,
) -> None:
    """Writes the statistics of the table at ``path`` (see ReadTable) to the file ``output``."""
    with beam.Pipeline(options=options or job_options()) as pipeline:
        _ = (
            pipeline
            | "Read" >> ReadTable(path)
            | "Measure" >> SliceStatistics(slices, schema)
            | "Write" >> tfdv.WriteStatisticsToBinaryFile(output)
        )


def table_statistics(
    path: str,
    slices: Sequence[Sequence[str]] = (),
    schema: schema_pb2.Schema | None = None,
    options: PipelineOptions | None = None,
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """The statistics of the table at ``path``, as SliceStatistics gives them."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/FeatureStats.pb"
        write_table_statistics(path, file, slices, schema, options)
        return tfdv.load_stats_binary(file)


def whole(
    datasets: statistics_pb2.DatasetFeatureStatisticsList,
) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics of all rows among those of the slices."""
    if len(datasets.datasets) == 1:
        return datasets.datasets[0]
    for dataset in datasets.datasets:
        if dataset.name == constants.DEFAULT_SLICE_KEY:
            return dataset
    names = ", ".join(dataset.name for dataset in datasets.datasets[:5])
    raise ValueError(
        f"no statistics named {constants.DEFAULT_SLICE_KEY!r} among: {names or 'none'}"
    )


def slice_key(
    dataset: statistics_pb2.DatasetFeatureStatistics, slices: Iterable[Sequence[str]]
) -> tuple[tuple[str, str], ...] | None:
    """The (feature, value) pairs that define the slice ``dataset`` was computed on.

    TFDV names it ``payment_type_Cash``, which alone is ambiguous; inside the slice, though, the
    feature has only that value, so the name is rebuilt from the slice's own statistics.

    Returns:
      Pairs in the order of the features in ``slices``; None when no entry of it gives the name.
    """
    features = {".".join(f.path.step) or f.name: f for f in dataset.features}
    for names in slices:
        if not all(name in features for name in names):
            continue
        ordered = sorted(names)
        candidates = [
            [text for text in _values(features[name]) if f"{name}_{text}" in dataset.name]
            for name in ordered
        ]
        for values in itertools.product(*candidates):
            pairs = dict(zip(ordered, values, strict=True))
            if dataset.name == "_".join(f"{name}_{text}" for name, text in pairs.items()):
                return tuple((name, pairs[name]) for name in names)
    return None


def _values(feature: statistics_pb2.FeatureNameStatistics) -> list[str]:
    if feature.HasField("string_stats"):
        return [bucket.label for bucket in feature.string_stats.rank_histogram.buckets]
    if feature.num_stats.min != feature.num_stats.max:
        return []
    value = feature.num_stats.min
    if feature.type == statistics_pb2.FeatureNameStatistics.INT:
        return [str(int(value))]
    return [str(value), str(np.float32(value))]


def _row_count(batch: pa.RecordBatch) -> int:
    return batch.num_rows


def _checked(
    datasets: statistics_pb2.DatasetFeatureStatisticsList, rows: int, slices: list[list[str]]
) -> statistics_pb2.DatasetFeatureStatisticsList:
    total = whole(datasets)
    check_identity(
        {"rows_read": rows, "rows_measured": int(total.num_examples)},
        "rows_read",
        ["rows_measured"],
    )
    known = [".".join(feature.path.step) for feature in total.features]
    unknown = sorted({name for names in slices for name in names} - set(known))
    if unknown and rows:
        raise ValueError(
            f"cannot slice by {', '.join(unknown)}: not a column of the data, which has "
            f"{', '.join(sorted(known))}"
        )
    return datasets


def main(argv: Sequence[str] | None = None) -> None:
    """Writes a table's statistics as TFDV's binary file; other flags go to Beam."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", help="Parquet, CSV or tf.Examples: file, glob or folder")
    parser.add_argument("output", help="file for the DatasetFeatureStatisticsList")
    parser.add_argument(
        "--slice-by", action="append", default=[], help="feature, or features to cross: a,b"
    )
    args, beam_args = parser.parse_known_args(argv)
    write_table_statistics(
        args.table,
        args.output,
        [features.split(",") for features in args.slice_by],
        options=job_options(beam_args),
    )


if __name__ == "__main__":
    from . import slice_statistics  # workers cannot import what is pickled from __main__

    slice_statistics.main()
