"""Accumulated statistics as what is known of a span's rows, without a file between them."""

from __future__ import annotations

from collections.abc import Mapping

from ..slices import slice_name
from .accumulator import Accumulator
from .categories import MOST_SLICE_VALUES, MOST_VALUES
from .feature_counts import Counts, known_aspects
from .grid import MOST_BINS, MOST_SLICE_BINS
from .number_counts import NumberCounts
from .population import LENGTH, Aspect, FeatureStatistics, SliceStatistics, SpanStatistics


def span_statistics(accumulator: Accumulator, min_group_rows: int = 1) -> SpanStatistics:
    """The same as ``from_tfdv`` makes of what ``to_tfdv`` writes."""
    accumulator.count()
    features = accumulator.features
    whole = {
        name: _feature(counts.whole, 0, accumulator.rows, MOST_BINS, MOST_VALUES)
        for name, counts in features.items()
    }
    slices = {slice_name(()): SliceStatistics((), accumulator.rows, whole)}
    named, unnamed = accumulator.named_slices(min_group_rows)
    for key, number in named:
        rows = accumulator.slice_rows[number]
        here = {
            name: _feature(counts.slices, number, rows, MOST_SLICE_BINS, MOST_SLICE_VALUES)
            for name, counts in features.items()
        }
        slices[slice_name(key)] = SliceStatistics(key, rows, here)
    return SpanStatistics(slices, unnamed)


def _feature(
    counts: Mapping[str, Counts], group: int, rows: int, most_bins: int, most_values: int
) -> FeatureStatistics:
    known = known_aspects(counts, group)
    present = known[LENGTH].total(group) if LENGTH in known else 0
    aspects: dict[str, Aspect] = {}
    for name, found in known.items():
        if isinstance(found, NumberCounts):
            aspects[name] = found.grid(group, most_bins)
        else:
            aspects[name] = found.categories(group, most_values)
    return FeatureStatistics(rows, rows - present, aspects)
