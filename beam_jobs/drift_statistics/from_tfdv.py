"""TFDV's DatasetFeatureStatisticsList as what is known of a span's rows.

Of statistics that StatisticsGen computed this is less than of ours: quantile histograms become
grids with a ``resolution``, and rank histograms categories whose rest is not known by bucket.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
from tensorflow_data_validation import constants
from tensorflow_metadata.proto.v0 import statistics_pb2

from ..slices import OVERALL, slice_name
from .categories import Categories
from .grid import Grid, ordered
from .population import LENGTH, VALUE, Aspect, FeatureStatistics, SliceStatistics, SpanStatistics
from .stock_histogram import grid_of_quantiles
from .to_tfdv import BUCKETS, GRID, SLICE, UNNAMED, VALUES

Key = tuple[tuple[str, str], ...]


def from_tfdv(
    datasets: statistics_pb2.DatasetFeatureStatisticsList,
    slices: Iterable[Sequence[str]] = (),
    min_group_rows: int = 1,
) -> SpanStatistics:
    """Every slice of the statistics that can be told, and has at least ``min_group_rows`` rows.

    Args:
      slices: the features that StatisticsGen sliced by, without which its names of slices are
        ambiguous. Our own statistics need none.

    Raises:
      ValueError: where the statistics of the whole are not among them.
    """
    slices = [tuple(features) for features in slices]
    total = whole(datasets)
    found = {OVERALL: _slice(total, ())}
    unnamed = sum(
        int(stat.num)
        for feature in total.features
        for stat in feature.custom_stats
        if stat.name == UNNAMED
    )
    unknown = []
    for dataset in datasets.datasets:
        if dataset.name == total.name:
            continue
        if dataset.num_examples < min_group_rows:
            unnamed += 1
            continue
        key = slice_key(dataset, slices)
        if key is None:
            unknown.append(dataset.name)
        else:
            found[slice_name(key)] = _slice(dataset, key)
    return SpanStatistics(found, unnamed, tuple(unknown))


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
) -> Key | None:
    """The (feature, value) pairs that define the slice ``dataset`` was computed on.

    Our statistics tell them. StatisticsGen's name the slice ``payment_type_Cash``, which alone is
    ambiguous; inside the slice, though, the feature has only that value, so the name is rebuilt
    from the slice's own statistics.

    Returns:
      Pairs in the order of the features in ``slices``; None when no entry of it gives the name.
    """
    told = {
        stat.name: (feature_name(feature), stat.str)
        for feature in dataset.features
        for stat in feature.custom_stats
        if stat.name.startswith(SLICE)
    }
    if told:
        return tuple(told[name] for name in sorted(told))
    features = {feature_name(feature): feature for feature in dataset.features}
    for names in slices:
        if not all(name in features for name in names):
            continue
        ordered_names = sorted(names)
        candidates = [
            [text for text in _values(features[name]) if f"{name}_{text}" in dataset.name]
            for name in ordered_names
        ]
        for values in itertools.product(*candidates):
            pairs = dict(zip(ordered_names, values, strict=True))
            if dataset.name == "_".join(f"{name}_{text}" for name, text in pairs.items()):
                return tuple((name, pairs[name]) for name in names)
    return None


def feature_name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return ".".join(feature.path.step) or feature.name


def common_statistics(
    feature: statistics_pb2.FeatureNameStatistics,
) -> statistics_pb2.CommonStatistics:
    return getattr(feature, feature.WhichOneof("stats") or "num_stats").common_stats


def _values(feature: statistics_pb2.FeatureNameStatistics) -> list[str]:
    if feature.HasField("string_stats"):
        return [bucket.label for bucket in feature.string_stats.rank_histogram.buckets]
    if feature.num_stats.min != feature.num_stats.max:
        return []
    value = feature.num_stats.min
    if feature.type == statistics_pb2.FeatureNameStatistics.INT:
        return [str(int(value))]
    return [str(value), str(np.float32(value))]


def _slice(dataset: statistics_pb2.DatasetFeatureStatistics, key: Key) -> SliceStatistics:
    rows = int(dataset.num_examples)
    features = {}
    for feature in dataset.features:
        common = common_statistics(feature)
        missing = rows - int(common.num_non_missing)
        features[feature_name(feature)] = FeatureStatistics(rows, missing, _aspects(feature))
    return SliceStatistics(key, rows, features)


def _aspects(feature: statistics_pb2.FeatureNameStatistics) -> dict[str, Aspect]:
    told = {stat.name: stat for stat in feature.custom_stats}
    aspects: dict[str, Aspect] = {}
    for name, stat in told.items():
        if name.startswith(GRID):
            aspects[name.removeprefix(GRID)] = _grid(stat.histogram)
        if name.startswith(VALUES):
            aspect = name.removeprefix(VALUES)
            aspects[aspect] = _categories(stat.rank_histogram, None, told.get(BUCKETS + aspect))
    common = common_statistics(feature)
    if LENGTH not in aspects and common.num_non_missing:
        aspects[LENGTH] = _lengths(common)
    if VALUE not in aspects and feature.HasField("string_stats"):
        stats = feature.string_stats
        if stats.rank_histogram.buckets:
            aspects[VALUE] = _categories(stats.rank_histogram, stats, told.get(BUCKETS + VALUE))
    if VALUE not in aspects and feature.HasField("num_stats"):
        is_whole = feature.type == statistics_pb2.FeatureNameStatistics.INT
        for histogram in feature.num_stats.histograms:
            if histogram.type == statistics_pb2.Histogram.QUANTILES:
                aspects[VALUE] = grid_of_quantiles(histogram, is_whole)
    return aspects


def _grid(histogram: statistics_pb2.Histogram) -> Grid:
    level = int(histogram.name.removeprefix("level "))
    lower = np.array([bucket.low_value for bucket in histogram.buckets], np.float64)
    counts = np.array([bucket.sample_count for bucket in histogram.buckets], np.float64)
    return Grid(level, ordered(lower) >> level, counts, histogram.num_nan)


def _categories(
    ranks: statistics_pb2.RankHistogram,
    stats: statistics_pb2.StringStatistics | None,
    buckets: statistics_pb2.CustomStatistic | None,
) -> Categories:
    counts: dict[str, float] = {}
    for bucket in ranks.buckets:
        counts[bucket.label] = counts.get(bucket.label, 0.0) + bucket.sample_count
    by_bucket = None
    listed = sum(counts.values())
    rest, distinct = 0.0, len(counts)
    if stats is not None:
        rest = max(0.0, stats.common_stats.tot_num_values - listed)
        distinct = int(stats.unique)
    if buckets is not None:
        by_bucket = np.array([bucket.sample_count for bucket in buckets.histogram.buckets])
        rest = float(by_bucket.sum() - listed)
    return Categories.of(list(counts), list(counts.values()), rest, by_bucket, distinct)


def _lengths(common: statistics_pb2.CommonStatistics) -> Grid:
    if common.min_num_values == common.max_num_values or not common.num_values_histogram.buckets:
        one = np.array([float(common.min_num_values)])
        return Grid(0, ordered(one), np.array([float(common.num_non_missing)]))
    return grid_of_quantiles(common.num_values_histogram, whole_numbers=True)
