"""Two categorical features counted by the same values, from TFDV's rank histograms."""

from __future__ import annotations

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from .counts import Counts


def common_values(
    baseline: statistics_pb2.FeatureNameStatistics,
    current: statistics_pb2.FeatureNameStatistics,
    min_group_rows: int = 1,
) -> Counts | None:
    """Counts of both sides by value, in the order of their names.

    A rank histogram keeps only the most frequent values (1,000 unless told otherwise). Shares
    are of all values, not of the kept ones; a value that one side kept and the other did not is
    credited there with as many as it may have had, so that a difference is never overstated.
    A value that either side has, and fewer times than ``min_group_rows``, goes by a number.
    None where a side has no rank histogram.
    """
    sides = [feature.string_stats for feature in (baseline, current)]
    listed = [_listed(side) for side in sides]
    if not all(listed):
        return None
    totals = [
        max(side.common_stats.tot_num_values, sum(values.values()))
        for side, values in zip(sides, listed, strict=True)
    ]
    names = sorted(listed[0].keys() | listed[1].keys())
    shares = [
        np.array([values.get(name, np.nan) for name in names]) / total
        for values, total in zip(listed, totals, strict=True)
    ]
    filled = [_filled(shares[0], shares[1]), _filled(shares[1], shares[0])]
    counts = [side * total for side, total in zip(filled, totals, strict=True)]
    rest = [max(0.0, t - c.sum()) for c, t in zip(counts, totals, strict=True)]
    bins = tuple(
        name if all(side.get(name, min_group_rows) >= min_group_rows for side in listed) else rare
        for name, rare in ((name, f"(rare value {i})") for i, name in enumerate(names))
    )
    return Counts(bins, counts[0], counts[1], rest[0], rest[1])


def _listed(side: statistics_pb2.StringStatistics) -> dict[str, float]:
    counts: dict[str, float] = {}
    for bucket in side.rank_histogram.buckets:
        counts[bucket.label] = counts.get(bucket.label, 0.0) + bucket.sample_count
    return counts


def _filled(shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """``shares`` with each unlisted value at the most it can have, or at what others have."""
    unlisted = np.isnan(shares)
    at_most = np.minimum(others, np.nanmin(shares))[unlisted]
    rest = max(0.0, 1 - np.nansum(shares))
    filled = shares.copy()
    filled[unlisted] = at_most * min(1.0, rest / max(at_most.sum(), 1e-300))
    return filled
