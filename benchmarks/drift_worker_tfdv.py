"""TFDV's part of drift_quality.py and drift_speed.py: fixed thresholds on stock statistics.

L-infinity of strings and Jensen-Shannon divergence of numbers above 0.01, as in its tutorial, on
the statistics that StatisticsGen computes without options.
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import pyarrow.parquet as pq
import tensorflow_data_validation as tfdv
from drift_worker import serve
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_vigil.beam_jobs.tables import list_columns

THRESHOLD = 0.01


def verdict(baseline: str, current: str, scores: list[str]) -> dict:
    sides = [statistics(path) for path in (baseline, current)]
    schema = tfdv.infer_schema(sides[0], infer_feature_shape=False)
    for feature in schema.feature:
        text = feature.type == schema_pb2.BYTES
        comparator = feature.drift_comparator
        distance = comparator.infinity_norm if text else comparator.jensen_shannon_divergence
        distance.threshold = THRESHOLD
    found = tfdv.validate_statistics(sides[1], schema, previous_statistics=sides[0])
    values = {
        info.path.step[0]: measurement.value
        for info in found.drift_skew_info
        for measurement in info.drift_measurements
    }
    alarms = [name for name, value in values.items() if value > THRESHOLD]
    return {"alarms": alarms, "scores": {"TFDV": values}}


def statistics(path: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    table = pq.read_table(path)
    table = table.select([name for name in table.column_names if not name.startswith("log_")])
    [batch] = table.combine_chunks().to_batches()
    return stats_impl.generate_statistics_in_memory(list_columns(path, batch), tfdv.StatsOptions())


serve(verdict)
