"""Quantiles of non-negative quantities from counts in logarithmic bins, mergeable by addition.

Each quantile is within 1 % of the exact one, whatever the data: the DDSketch of Masson, Rim
and Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
VLDB 2019, without its bound on the number of bins (some 900 between 1 µs and 1 day).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from .reports import Quantiles

ACCURACY = 0.01
_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)
_SMALLEST = 1e-9


def bin_of(value: float) -> int:
    """The bin that counts ``value``; all under 1e-9 share one."""
    return math.ceil(math.log(max(value, _SMALLEST)) / _LOG_GAMMA)


def bins_of(values: np.ndarray) -> list[tuple[int, int]]:
    """(bin, count) of ``values``."""
    places = np.ceil(np.log(np.maximum(values, _SMALLEST)) / _LOG_GAMMA).astype(int)
    return list(zip(*(x.tolist() for x in np.unique(places, return_counts=True)), strict=True))


def quantiles(bins: Mapping[int, int]) -> Quantiles | None:
    """Quantiles of what ``bins`` (bin to count) counts; None where there is nothing."""
    total = sum(bins.values())
    if not total:
        return None
    p50, p90, p99 = (_at(bins, share * total) for share in (0.5, 0.9, 0.99))
    return Quantiles(p50=p50, p90=p90, p99=p99)


def largest(bins: Mapping[int, int]) -> float:
    """The largest of what ``bins`` counts; 0 where there is nothing."""
    return _at(bins, sum(bins.values())) if bins else 0.0


def _at(bins: Mapping[int, int], rank: float) -> float:
    seen = 0
    for index in sorted(bins):
        seen += bins[index]
        if seen >= rank:
            break
    return 0.0 if index == bin_of(0) else 2 * _GAMMA**index / (_GAMMA + 1)
