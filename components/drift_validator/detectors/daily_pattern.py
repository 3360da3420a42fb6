"""Errors without what the hour of the day explains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import stats

from .contract import ErrorStream

HOUR = 3_600_000_000
LEAST_DAYS = 3
LEAST_IN_HOUR = 5
LEVEL = 0.01


class Evened(NamedTuple):
    """``widening``: how much more variance a mean of ``errors`` has for what was taken out."""

    errors: np.ndarray
    widening: float


def without_daily_pattern(stream: ErrorStream) -> Evened:
    """The errors minus what their hour of the day (UTC) adds to them in earlier spans.

    Only where hours differ by more than the same hour does from day to day, in an analysis of
    variance of the means of hours over at least ``LEAST_DAYS`` days, and drawn to the mean of all
    as far as that explains it (James and Stein 1961): errors without a daily pattern stay.
    """
    errors = stream.errors.astype(float)
    unchanged = Evened(errors, 1.0)
    hours = stream.times // HOUR
    hours, first = hours - hours.min(initial=0) // 24 * 24, stream.current
    if not first:
        return unchanged
    shape = (-1, 24)
    size = (hours[:first].max() // 24 + 1) * 24
    counts = np.bincount(hours[:first], minlength=size).reshape(shape)
    sums = np.bincount(hours[:first], errors[:first], minlength=size).reshape(shape)
    filled = (counts >= LEAST_IN_HOUR).sum(axis=1)
    days = filled > 0.75 * filled.max()
    told = (counts[days] >= LEAST_IN_HOUR).all(axis=0)
    if days.sum() < LEAST_DAYS or told.sum() < 2:
        return unchanged
    means = (sums[days] / np.maximum(counts[days], 1))[:, told]
    by_hour = means.mean(axis=0) - means.mean()
    left = means - means.mean(axis=1, keepdims=True) - by_hour
    degrees = len(by_hour) - 1, (len(by_hour) - 1) * (len(means) - 1)
    within = (left**2).sum() / degrees[1]
    between = len(means) * (by_hour**2).sum() / degrees[0]
    if not between > within * stats.f.isf(LEVEL, *degrees):
        return unchanged
    pattern = np.zeros(24)
    pattern[told] = by_hour * (1 - within / between)
    return Evened(errors - pattern[hours % 24], 1 + 1 / len(means))
