"""Accumulated statistics as TFDV's DatasetFeatureStatisticsList.

TFDV reads and shows them like StatisticsGen's. What it has no place for lies in custom_stats:
``tfx_vigil.grid.<aspect>`` (histogram; its name tells the level), ``tfx_vigil.values.<aspect>``
(rank histogram) and ``tfx_vigil.buckets.<aspect>`` (histogram over hash buckets); of a slice's
own features ``tfx_vigil.slice.<place>``, their value; ``tfx_vigil.unnamed_slices``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from tensorflow_data_validation import constants
from tensorflow_metadata.proto.v0 import statistics_pb2

from .accumulator import Accumulator, SliceKey
from .categories import MOST_SLICE_VALUES, MOST_VALUES, Categories
from .category_counts import NOT_UTF8, CategoryCounts
from .feature_counts import Counts, FeatureCounts, known_aspects
from .grid import MOST_BINS, MOST_SLICE_BINS, Grid
from .number_counts import NumberCounts
from .population import LENGTH, VALUE

GRID, VALUES, BUCKETS = "tfx_vigil.grid.", "tfx_vigil.values.", "tfx_vigil.buckets."
SLICE, UNNAMED = "tfx_vigil.slice.", "tfx_vigil.unnamed_slices"
_HISTOGRAM_BUCKETS = 10
_TOP_VALUES = 20
_Statistics = statistics_pb2.FeatureNameStatistics


def to_tfdv(
    accumulator: Accumulator, min_group_rows: int = 1, slices: bool = True
) -> statistics_pb2.DatasetFeatureStatisticsList:
    """The statistics of the whole, and of each slice with at least ``min_group_rows`` rows."""
    accumulator.count()
    datasets = statistics_pb2.DatasetFeatureStatisticsList()
    whole = datasets.datasets.add(name=constants.DEFAULT_SLICE_KEY, num_examples=accumulator.rows)
    for name, feature in sorted(accumulator.features.items()):
        _add_feature(whole, name, feature, feature.whole, 0, MOST_BINS, MOST_VALUES)
    named, unnamed = accumulator.named_slices(min_group_rows)
    for key, number in named if slices else ():
        rows = accumulator.slice_rows[number]
        dataset = datasets.datasets.add(name=_tfdv_name(key), num_examples=rows)
        for name, feature in sorted(accumulator.features.items()):
            added = _add_feature(
                dataset, name, feature, feature.slices, number, MOST_SLICE_BINS, MOST_SLICE_VALUES
            )
            for place, (sliced, value) in enumerate(key):
                if sliced == name:
                    added.custom_stats.add(name=f"{SLICE}{place}", str=value)
    if unnamed and whole.features:
        whole.features[0].custom_stats.add(name=UNNAMED, num=unnamed)
    return datasets


def _tfdv_name(key: SliceKey) -> str:
    return "_".join(f"{feature}_{value}" for feature, value in sorted(key))


def _add_feature(
    dataset: statistics_pb2.DatasetFeatureStatistics,
    name: str,
    feature: FeatureCounts,
    counts: dict[str, Counts],
    group: int,
    most_bins: int,
    most_values: int,
) -> _Statistics:
    added = dataset.features.add(type=_Statistics.Type.Value(feature.kind or "STRING"))
    added.path.step.append(name)
    aspects = known_aspects(counts, group)
    value = aspects.get(VALUE)
    is_text = isinstance(feature.whole.get(VALUE), CategoryCounts) or feature.kind is None
    stats = added.string_stats if is_text else added.num_stats
    _fill_common(stats.common_stats, aspects.get(LENGTH), group, int(dataset.num_examples))
    for aspect, found in aspects.items():
        if isinstance(found, NumberCounts):
            if aspect != LENGTH or found.least[group] != found.most[group]:
                grid = found.grid(group, most_bins)
                added.custom_stats.add(name=GRID + aspect).histogram.CopyFrom(_of_grid(grid))
            continue
        listed = found.categories(group, most_values)
        if aspect != VALUE:
            _fill_ranks(added.custom_stats.add(name=VALUES + aspect).rank_histogram, listed)
        if not listed.complete:
            buckets = added.custom_stats.add(name=BUCKETS + aspect).histogram
            _fill(buckets, np.arange(len(listed.buckets) + 1.0), listed.buckets)
    if isinstance(value, NumberCounts):
        _fill_numbers(added.num_stats, value, group)
    elif value is not None:
        _fill_strings(added.string_stats, value, group, most_values)
    return added


def _fill_common(
    common: statistics_pb2.CommonStatistics, lengths: NumberCounts | None, group: int, rows: int
) -> None:
    present = 0 if lengths is None else lengths.total(group)
    common.num_non_missing = present
    common.num_missing = rows - present
    if not present:
        return
    common.min_num_values = int(lengths.least[group])
    common.max_num_values = int(lengths.most[group])
    common.tot_num_values = round(lengths.mean[group] * present)
    common.avg_num_values = common.tot_num_values / present
    common.num_values_histogram.CopyFrom(_quantiles(lengths, group))


def _fill_numbers(
    stats: statistics_pb2.NumericStatistics, numbers: NumberCounts, group: int
) -> None:
    nan = int(numbers.nan[group])
    total = int(numbers.totals[group])
    if total:
        stats.mean = numbers.mean[group]
        stats.std_dev = math.sqrt(max(0.0, numbers.squares[group] / total))
        stats.num_zeros = numbers.zeros(group)
        stats.min, stats.max = numbers.least[group], numbers.most[group]
        histograms = [_standard(numbers, group), _quantiles(numbers, group)]
        stats.median = histograms[1].buckets[_HISTOGRAM_BUCKETS // 2 - 1].high_value
    else:
        kinds = statistics_pb2.Histogram.STANDARD, statistics_pb2.Histogram.QUANTILES
        histograms = [statistics_pb2.Histogram(type=kind) for kind in kinds if nan]
    for histogram in histograms:
        histogram.num_nan = nan
        stats.histograms.add().CopyFrom(histogram)


def _fill_strings(
    stats: statistics_pb2.StringStatistics, found: CategoryCounts, group: int, most_values: int
) -> None:
    listed = found.categories(group, most_values)
    stats.unique = listed.distinct
    stats.avg_length = found.lengths[group] / listed.total
    stats.invalid_utf8_count = int(listed.counts[listed.values == NOT_UTF8.decode()].sum())
    _fill_ranks(stats.rank_histogram, listed)
    for bucket in stats.rank_histogram.buckets[:_TOP_VALUES]:
        stats.top_values.add(value=bucket.label, frequency=bucket.sample_count)


def _fill_ranks(ranks: statistics_pb2.RankHistogram, listed: Categories) -> None:
    """Most frequent values first; of equally frequent ones, as in TFDV, the last in order."""
    pairs = zip(listed.counts.tolist(), listed.values.tolist(), strict=True)
    for rank, (count, value) in enumerate(sorted(pairs, reverse=True)):
        ranks.buckets.add(low_rank=rank, high_rank=rank, label=value, sample_count=count)


def _of_grid(grid: Grid) -> statistics_pb2.Histogram:
    histogram = statistics_pb2.Histogram(
        type=statistics_pb2.Histogram.STANDARD, name=f"level {grid.level}", num_nan=int(grid.nan)
    )
    for low, high, count in zip(
        grid.lower.tolist(), grid.upper.tolist(), grid.counts.tolist(), strict=True
    ):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
    return histogram


def _quantiles(numbers: NumberCounts, group: int) -> statistics_pb2.Histogram:
    """Buckets of equal counts, with the exact extremes at the ends."""
    grid = numbers.grid(group, MOST_BINS)
    least, most = numbers.least[group], numbers.most[group]
    edges = np.clip(grid.quantiles(np.linspace(0, 1, _HISTOGRAM_BUCKETS + 1)), least, most)
    edges[0], edges[-1] = least, most
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.QUANTILES)
    _fill(histogram, edges, np.full(_HISTOGRAM_BUCKETS, grid.total / _HISTOGRAM_BUCKETS))
    return histogram


def _standard(numbers: NumberCounts, group: int) -> statistics_pb2.Histogram:
    """Buckets of equal widths between the finite extremes; infinities in buckets of their own."""
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.STANDARD)
    for edges, counts in _standard_parts(numbers.grid(group, MOST_BINS), numbers, group):
        _fill(histogram, edges, counts)
    return histogram


def _standard_parts(
    grid: Grid, numbers: NumberCounts, group: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    lower, upper = grid.lower, grid.upper
    for infinity, here in ((-np.inf, lower == -np.inf), (np.inf, lower == np.inf)):
        if infinity > 0:
            finite = np.isfinite(lower)
            if finite.any():
                least = max(numbers.least[group], lower[finite][0])
                most = min(numbers.most[group], np.nextafter(upper[finite][-1], -np.inf))
                if least == most:
                    yield np.array([least, most]), np.array([grid.counts[finite].sum()])
                else:
                    edges = np.linspace(least, most, _HISTOGRAM_BUCKETS + 1)
                    below = grid.below(edges)
                    below[0], below[-1] = grid.counts[~finite & (lower < 0)].sum(), 0
                    below[-1] = below[0] + grid.counts[finite].sum()
                    if np.isfinite(edges).all():
                        yield edges, np.diff(below)
        if here.any():
            yield np.array([infinity, infinity]), grid.counts[here]


def _fill(histogram: statistics_pb2.Histogram, edges: np.ndarray, counts: np.ndarray) -> None:
    for low, high, count in zip(
        edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True
    ):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=count)
