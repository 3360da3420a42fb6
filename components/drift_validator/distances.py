"""Distances by TFDV's own comparators, on counts that are already in common bins.

TFDV gets minimal statistics: one feature per comparison, with a standard histogram whose bucket
i is [i, i + 1), so that aligning changes nothing (TFDV sets NaN and infinite values against
each other even when both sides have as many), or with a rank histogram.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from .config import Distance
from .counts import Counts

Against = Literal["training", "previous"]

# Values outside the rank histogram weigh in the total; spread over so many stand-ins, they never
# are the largest difference.
_STAND_INS = 1000


def tfdv_anomalies(
    compared: Mapping[str, tuple[Distance, Counts, float]], against: Against
) -> anomalies_pb2.Anomalies:
    """What ``tfdv.validate_statistics`` says of the features in ``compared``.

    Args:
      compared: by feature: distance, counts on both sides, threshold.
      against: training (TFDV's skew) or previous (TFDV's drift).

    Returns:
      Anomalies; ``drift_skew_info`` holds every value, also of features that pass.
    """
    schema = schema_pb2.Schema()
    baseline, current = (statistics_pb2.DatasetFeatureStatisticsList() for _ in range(2))
    for side in (baseline, current):
        side.datasets.add(num_examples=1)
    for name, (distance, counts, threshold) in compared.items():
        numeric = distance == "jensen_shannon_divergence"
        feature = schema.feature.add(
            name=name, type=schema_pb2.FLOAT if numeric else schema_pb2.BYTES
        )
        comparator = feature.skew_comparator if against == "training" else feature.drift_comparator
        getattr(comparator, distance).threshold = threshold
        fill = _fill_histogram if numeric else _fill_ranks
        fill(baseline.datasets[0].features.add(), counts.bins, *counts.of_baseline)
        fill(current.datasets[0].features.add(), counts.bins, *counts.of_current)
        for side in (baseline, current):
            side.datasets[0].features[-1].path.step.append(name)
    if against == "training":
        return tfdv.validate_statistics(baseline, schema, serving_statistics=current)
    return tfdv.validate_statistics(current, schema, previous_statistics=baseline)


def measured(anomalies: anomalies_pb2.Anomalies) -> dict[str, float]:
    """The value of each feature's distance."""
    return {
        ".".join(info.path.step): measurement.value
        for info in anomalies.drift_skew_info
        for measurement in (*info.skew_measurements, *info.drift_measurements)
    }


def _fill_histogram(
    feature: statistics_pb2.FeatureNameStatistics,
    bins: Sequence[str],
    counts: np.ndarray,
    rest: float,
) -> None:
    feature.type = statistics_pb2.FeatureNameStatistics.FLOAT
    feature.num_stats.common_stats.num_non_missing = 1
    histogram = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
    for i, count in enumerate(counts):
        histogram.buckets.add(low_value=i, high_value=i + 1, sample_count=count)


def _fill_ranks(
    feature: statistics_pb2.FeatureNameStatistics,
    bins: Sequence[str],
    counts: np.ndarray,
    rest: float,
) -> None:
    feature.type = statistics_pb2.FeatureNameStatistics.STRING
    feature.string_stats.common_stats.num_non_missing = 1
    ranks = feature.string_stats.rank_histogram
    for label, count in zip(bins, counts, strict=True):
        if count > 0:
            ranks.buckets.add(label=label, sample_count=count)
    if rest > 0:
        for i in range(_STAND_INS):
            ranks.buckets.add(label=f"(other values {i})", sample_count=rest / _STAND_INS)
