"""Statistics of small tables in memory: ours, and the stock ones of TFDV."""

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.utils import slicing_util
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.beam_jobs import tables
from tfx_vigil.beam_jobs.drift_statistics.files import SplitStatistics
from tfx_vigil.beam_jobs.drift_statistics.job import StatisticsConfig, add, finished
from tfx_vigil.components.drift_validator.compare import compare as real_compare
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.inputs import Reference


def measured(columns: dict, slices=(), **more) -> SplitStatistics:
    """What the job writes of ``columns`` (name to array)."""
    config = StatisticsConfig(tuple(tuple(features) for features in slices), **more)
    table = pa.table(columns)
    started = config.started()
    for batch in table.combine_chunks().to_batches():
        add(started, batch)
    return finished(started, table.num_rows, config)


def statistics_of(columns: dict, slices=(), **more) -> statistics_pb2.DatasetFeatureStatisticsList:
    return measured(columns, slices, **more).datasets


def stock_statistics(
    columns: dict, slices=(), options: tfdv.StatsOptions | None = None
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """As StatisticsGen computes and slices them."""
    options = options or tfdv.StatsOptions()
    (batch,) = pa.table(columns).combine_chunks().to_batches() or [None]
    batch = tables.list_columns("table", batch)
    result = stats_impl.generate_statistics_in_memory(batch, options)
    result.datasets[0].name = "All Examples"
    for features in slices:
        slicer = slicing_util.get_feature_value_slicer(dict.fromkeys(features))
        for name, rows in slicer(batch):
            dataset = stats_impl.generate_statistics_in_memory(rows, options).datasets[0]
            dataset.name = name
            result.datasets.add().CopyFrom(dataset)
    return result


def compare(current: dict, training, references: dict | None, schema, config: DriftConfig):
    """As ``compare.compare``, of statistics without samples."""
    return real_compare(
        _splits(current),
        training and SplitStatistics(training),
        None if references is None else [Reference(n, _splits(s)) for n, s in references.items()],
        schema,
        config,
    )


def _splits(datasets: dict) -> dict:
    return {name: SplitStatistics(each) for name, each in datasets.items()}
