"""Whether a window's count is far from what earlier windows let expect.

Counts scatter more than Poisson's law says: traffic and error rates have their days. The model:
a window's count is Poisson, with a logarithm of the rate that varies from window to window. Its
spread is estimated robustly from the earlier windows and moderated, as by Smyth (2004), "Linear
models and empirical Bayes methods for assessing differential expression in microarray
experiments", by a spread taken for granted that weighs as much as ``PRIOR_WINDOWS`` more windows.
So the rate is expected to follow a Student's t around the median, and few windows give wide limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.special import gammainc, gammaincc, stdtrit

CHANCE = 0.001
"""What is less likely than this is far from usual."""
PRIOR_WINDOWS = 4
_MAD_TO_SIGMA = 1.4826
_OUTLIER = 3.0
_POINTS = 4000


class Counted(NamedTuple):
    """A count, and what it is counted in: minutes, rows, requests."""

    count: float
    size: float


class Surprise(NamedTuple):
    """usual: the count at the median rate. low, high: how likely one so small, or so large, is."""

    usual: float
    low: float
    high: float


def surprise(now: Counted, earlier: Sequence[Counted], spread: float) -> Surprise:
    """How surprising ``now`` is after ``earlier``, one window at least, sizes over 0.

    spread: standard deviation of the logarithm of the rate, taken for granted.
    """
    counts, sizes = np.array(earlier, float).T
    logs = np.log((counts + 1) / sizes)
    middle = np.median(logs)
    n = len(logs)
    away = np.abs(logs - middle)
    cut = _OUTLIER * max(_MAD_TO_SIGMA * np.median(away), spread)
    scatter = np.sum(np.minimum(away, cut) ** 2) - (n - 1) * np.mean(1 / (counts + 1))
    freedom = PRIOR_WINDOWS + n - 1
    variance = (PRIOR_WINDOWS * spread**2 + max(scatter, 0.0)) / freedom
    scale = np.sqrt(variance * (1 + 1 / n))
    rates = now.size * np.exp(middle + scale * _student(freedom))
    return Surprise(
        usual=now.size * float(np.median(counts / sizes)),
        low=float(np.mean(gammaincc(now.count + 1, rates))),
        high=float(np.mean(gammainc(now.count, rates))) if now.count else 1.0,
    )


@cache
def _student(freedom: int) -> np.ndarray:
    """Points of Student's t that are equally likely."""
    return stdtrit(freedom, (np.arange(_POINTS) + 0.5) / _POINTS)
