"""TFDV statistics of small tables in memory, sliced as StatisticsGen slices."""

import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_data_validation.utils import slicing_util
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.beam_jobs import slice_statistics, tables


def statistics_of(
    columns: dict, slices=(), options: tfdv.StatsOptions | None = None
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """Statistics of ``columns`` (name to array), with our options or with ``options``."""
    options = options or slice_statistics.stats_options(slices)
    (batch,) = pa.table(columns).combine_chunks().to_batches() or [None]
    batch = tables.list_columns("table", batch)
    slicers = [
        slicing_util.get_feature_value_slicer(dict.fromkeys(spec.feature_keys))
        for spec in (options.slicing_config.slicing_specs if options.slicing_config else ())
    ]
    options.slicing_config = None
    result = stats_impl.generate_statistics_in_memory(batch, options)
    result.datasets[0].name = "All Examples"
    for slicer in slicers:
        for name, rows in slicer(batch):
            dataset = stats_impl.generate_statistics_in_memory(rows, options).datasets[0]
            dataset.name = name
            result.datasets.add().CopyFrom(dataset)
    return result
