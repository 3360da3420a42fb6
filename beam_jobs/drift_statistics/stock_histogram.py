"""A quantile histogram of TFDV as a grid."""

from __future__ import annotations

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from .grid import Grid

_POINTS = 16


def grid_of_quantiles(histogram: statistics_pb2.Histogram, whole_numbers: bool) -> Grid:
    """The grid of values spread evenly between the quantiles.

    A quantile that repeats is a value that repeats, and keeps its mass at one point. The grid's
    ``resolution`` is the mass of a bucket.

    Args:
      whole_numbers: all values are integers, so that none lie between n and n + 1.
    """
    nan = histogram.num_nan
    if not histogram.buckets:
        return Grid(0, np.zeros(0, np.int64), np.zeros(0), nan)
    low = np.array([bucket.low_value for bucket in histogram.buckets])
    high = np.array([bucket.high_value for bucket in histogram.buckets])
    count = np.array([bucket.sample_count for bucket in histogram.buckets])
    ends, bucket_end = np.unique(high, return_inverse=True)
    mass = np.bincount(bucket_end, count)
    repeats = np.bincount(bucket_end, low == high) > 0
    previous = np.concatenate([low[:1], ends[:-1]])
    spread = np.where(repeats, np.minimum(mass, mass.sum() / len(count) / 2), mass)
    spread[~(ends - previous > (1 if whole_numbers else 0))] = 0.0
    shares = (np.arange(_POINTS) + 0.5) / _POINTS
    with np.errstate(invalid="ignore", over="ignore"):
        points = previous[:, None] + (ends - previous)[:, None] * shares
    points = np.where(np.isfinite(points), points, ends[:, None])
    if whole_numbers:
        points = np.clip(np.round(points), previous[:, None], ends[:, None])
    values = np.append(points.ravel(), ends)
    counts = np.append(np.repeat(spread / _POINTS, _POINTS), mass - spread)
    at = Grid.of(values)
    keys = np.searchsorted(at.lower, values + 0.0, side="right") - 1
    sums = np.bincount(keys, counts)
    filled = sums > 0
    return Grid(at.level, at.keys[filled], sums[filled], nan, 1 / len(count))
