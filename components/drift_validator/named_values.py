"""Statistics that name no value of too few rows."""

from __future__ import annotations

from collections.abc import Container

from tensorflow_metadata.proto.v0 import statistics_pb2


def with_named_values(
    feature: statistics_pb2.FeatureNameStatistics, known: Container[str], min_group_rows: int
) -> statistics_pb2.FeatureNameStatistics:
    """The statistics with all unknown values of fewer than ``min_group_rows`` rows as one.

    Args:
      known: values whose names tell nothing new, as those of a schema's domain.
    """
    told = statistics_pb2.FeatureNameStatistics()
    told.CopyFrom(feature)
    if not feature.HasField("string_stats"):
        return told
    text = told.string_stats
    other = f"(values of fewer than {min_group_rows} rows)"
    rare = 0.0
    del text.top_values[:], text.rank_histogram.buckets[:]
    for bucket in feature.string_stats.rank_histogram.buckets:
        if bucket.sample_count < min_group_rows and bucket.label not in known:
            rare += bucket.sample_count
        else:
            text.rank_histogram.buckets.add().CopyFrom(bucket)
    if rare:
        text.rank_histogram.buckets.add(label=other, sample_count=rare)
    for bucket in text.rank_histogram.buckets:
        text.top_values.add(value=bucket.label, frequency=bucket.sample_count)
    return told
