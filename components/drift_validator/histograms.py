"""Two numeric features counted in the same bins, from TFDV's quantile histograms.

TFDV aligns two standard (equal-width) histograms by spreading each bucket evenly, so one far
outlier moves nearly all mass of a heavy-tailed column and two samples of one distribution look
apart. Quantile histograms know where the mass is: bin edges are taken from the baseline's, and
both sides' counts are read off their cumulative counts at those edges.
"""

from __future__ import annotations

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from .counts import Counts

# A value that takes this many buckets of a quantile histogram has, whatever the rounding, about
# that mass; with fewer it may be one bucket's width off.
_SURE_REPEATS = 4
# Bins hold at least so many values on the smaller side, for the sake of the null distribution.
_VALUES_PER_BIN = 10

Cut = tuple[float, bool]
"""Where a bin ends: a value, and whether the value itself still belongs to the bin."""


class Cumulative:
    """A feature's cumulative counts, as its quantile histogram knows them.

    Between two quantiles the values are taken to be spread evenly; a quantile that repeats is a
    value that repeats, and keeps its mass at one point.

    Args:
      histogram: QUANTILES histogram of TFDV, at least one bucket.
      whole_numbers: all values are integers, so that none lie between n and n + 1.
    """

    def __init__(self, histogram: statistics_pb2.Histogram, whole_numbers: bool = False):
        low = np.array([bucket.low_value for bucket in histogram.buckets])
        high = np.array([bucket.high_value for bucket in histogram.buckets])
        count = np.array([bucket.sample_count for bucket in histogram.buckets])
        self.start = low[0]
        self.ends, bucket_end = np.unique(high, return_inverse=True)
        self.up_to = np.cumsum(np.bincount(bucket_end, count))
        self.total = self.up_to[-1]
        self.repeats = np.bincount(bucket_end, low == high)
        self.previous = np.concatenate([[self.start], self.ends[:-1]])
        self.base = np.concatenate([[0.0], self.up_to[:-1]])
        self.gap = self.ends - self.previous > (1 if whole_numbers else 0)
        self.buckets = len(count)
        spread = np.where(self.gap, self.total / self.buckets / 2, 0.0)
        steps = self.up_to - self.base
        self.below_end = np.where(
            self.repeats > 0, self.base + np.minimum(spread, steps), self.up_to
        )

    def count(self, cut: Cut) -> float:
        """How many values lie before the cut."""
        value, inclusive = cut
        i = np.searchsorted(self.ends, value, side="right" if inclusive else "left")
        if i == len(self.ends):
            return self.total
        if self.ends[i] == value:
            return self.below_end[i]
        if value < self.previous[i]:
            return 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            share = (value - self.previous[i]) / (self.ends[i] - self.previous[i])
        share = 0.5 if np.isnan(share) else share
        return self.base[i] + share * (self.below_end[i] - self.base[i])


def common_bins(
    baseline: statistics_pb2.FeatureNameStatistics,
    current: statistics_pb2.FeatureNameStatistics,
    bins: int,
) -> Counts | None:
    """Counts of both sides in bins of about equal mass of the baseline.

    A value with much mass (zero in a zero-inflated column, a code, a cap) is a bin of its own;
    the outer bins are open; NaN is a bin. Where the current side's histogram is the coarser one,
    its quantiles are the edges, since only there its counts are known; the finer side's counts
    at the edges are off by a bucket at most. None where a side has no quantile histogram.
    """
    sides = [_quantiles(side) for side in (baseline, current)]
    if None in sides:
        return None
    nan = np.array([[side.num_nan] for side in sides])
    known = [
        Cumulative(side, feature.type == statistics_pb2.FeatureNameStatistics.INT)
        if side.buckets
        else None
        for side, feature in zip(sides, (baseline, current), strict=True)
    ]
    filled = [side for side in known if side]
    if not filled:
        return Counts(("NaN",), nan[0], nan[1])
    coarsest = min(filled, key=lambda side: side.buckets)
    smaller = min(side.total if side else 0.0 for side in known)
    finest = max(filled, key=lambda side: side.buckets)
    cuts = choose_cuts(coarsest, bins, smaller)
    counts = np.array([_between(side, cuts) for side in known])
    labels = _labels(cuts)
    if nan.any():
        labels, counts = [*labels, "NaN"], np.hstack([counts, nan])
    return Counts(tuple(labels), counts[0], counts[1], resolution=1 / finest.buckets)


def choose_cuts(known: Cumulative, bins: int, smaller: float) -> list[Cut]:
    """Cuts between bins, ascending, at quantiles of ``known``.

    Args:
      known: the side that decides.
      bins: how many bins the mass outside single values with much mass is spread over.
      smaller: values on the side that has fewer.
    """
    below = known.below_end - known.base
    point = known.up_to - known.below_end
    alone = point >= max(known.total / (2 * bins), _SURE_REPEATS * known.total / known.buckets)
    least = known.total * min(1.0, _VALUES_PER_BIN / max(smaller, 1.0))
    target = max((known.total - point[alone].sum()) / bins, least)
    nothing = known.total * 1e-9
    cuts: list[Cut] = []
    mass = 0.0
    for i, value in enumerate(known.ends):
        mass += below[i]
        if alone[i]:
            follows = bool(cuts) and i > 0 and cuts[-1] == (known.ends[i - 1], True)
            if mass >= least or (mass <= nothing and not (follows and not known.gap[i])):
                cuts.append((value, False))
            cuts.append((value, True))
            mass = 0.0
            continue
        mass += point[i]
        if mass >= target - nothing:
            cuts.append((value, True))
            mass = 0.0
    if cuts and not alone[-1] and mass < least and cuts[-1][0] not in known.ends[alone]:
        cuts.pop()
    return cuts


def _quantiles(
    feature: statistics_pb2.FeatureNameStatistics,
) -> statistics_pb2.Histogram | None:
    for histogram in feature.num_stats.histograms:
        if histogram.type == statistics_pb2.Histogram.QUANTILES:
            return histogram
    return None


def _between(known: Cumulative | None, cuts: list[Cut]) -> np.ndarray:
    if known is None:
        return np.zeros(len(cuts) + 1)
    before = [0.0, *(known.count(cut) for cut in cuts), known.total]
    return np.maximum(np.diff(before), 0.0)


def _labels(cuts: list[Cut]) -> list[str]:
    lower = ["(-inf", *(f"{'(' if inclusive else '['}{value:.6g}" for value, inclusive in cuts)]
    upper = [*(f"{value:.6g}{']' if inclusive else ')'}" for value, inclusive in cuts), "inf)"]
    return [
        high[:-1] if low[0] == "[" and low[1:] == high[:-1] else f"{low}, {high}"
        for low, high in zip(lower, upper, strict=True)
    ]
