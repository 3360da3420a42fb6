"""Two-sided confidence intervals in closed form, for all slices at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri, stdtrit

Bounds = tuple[np.ndarray, np.ndarray]
Confidence = float | np.ndarray
"""Of all slices, or of each [slices]."""
Bounded = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Values with their lower and upper bounds."""


def normal_quantile(confidence: Confidence) -> Confidence:
    return ndtri((1 + confidence) / 2)


def t_quantile(confidence: Confidence, freedom: np.ndarray) -> np.ndarray:
    return stdtrit(np.maximum(freedom, 1), (1 + confidence) / 2)


def wilson(share: np.ndarray, trials: np.ndarray, confidence: Confidence) -> Bounds:
    """The score interval of a proportion: Wilson (1927), "Probable inference, the law of
    succession, and statistical inference", JASA 22. ``trials`` need not be whole."""
    z = normal_quantile(confidence)
    spread = z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    margin = z * np.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    lower, upper = np.minimum(centre - margin, share), np.maximum(centre + margin, share)
    return np.clip(lower, 0, 1), np.clip(upper, 0, 1)


def matched(
    gained: np.ndarray, lost: np.ndarray, trials: np.ndarray, confidence: Confidence
) -> Bounds:
    """The score interval of the difference of two proportions of the same rows: Tango (1998),
    "Equivalence test and confidence interval for the difference in proportions for the
    paired-sample design", Statistics in Medicine 17.

    Args:
      gained, lost: of ``trials`` rows those that are 1 in the first only, in the second only.
    """
    z = normal_quantile(confidence)

    def accepts(change: np.ndarray) -> np.ndarray:
        free = change * (1 - change)
        linear = (2 * trials - gained + lost) * change - gained - lost
        root = np.sqrt(np.maximum(linear**2 + 8 * trials * lost * free, 0))
        variance = trials * (2 * (root - linear) / (4 * trials) + free)
        return np.abs(gained - lost - trials * change) <= z * np.sqrt(np.maximum(variance, 0))

    return invert_score((gained - lost) / trials, (-1.0, 1.0), accepts)


def symmetric(value: np.ndarray, variance: np.ndarray, quantile: np.ndarray) -> Bounds:
    margin = quantile * np.sqrt(variance)
    return value - margin, value + margin


def difference(first: Bounded, second: Bounded, correlation: np.ndarray | float = 0.0) -> Bounds:
    """Of two values, from the interval of each and their correlation: Zou (2007), "Toward using
    confidence intervals to compare correlations", Psychological Methods 12."""
    (a, a_lower, a_upper), (b, b_lower, b_upper) = first, second

    def margin(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
        return np.sqrt(np.maximum(of_a**2 + of_b**2 - 2 * correlation * of_a * of_b, 0))

    return (
        a - b - margin(a - a_lower, b_upper - b),
        a - b + margin(a_upper - a, b - b_lower),
    )


def ratio(first: Bounded, second: Bounded) -> Bounds:
    """Of two independent values that are not negative, likewise: Donner & Zou (2012), "Closed-form
    confidence intervals for functions of the normal mean and standard deviation", Statistical
    Methods in Medical Research 21. NaN where the second may be 0."""
    (a, a_lower, a_upper), (b, b_lower, b_upper) = first, second

    def bound(of_a: np.ndarray, of_b: np.ndarray, sign: int) -> np.ndarray:
        product, divisor = of_a * of_b * (2 * a - of_a) * (2 * b - of_b), of_b * (2 * b - of_b)
        root = np.sqrt(np.maximum((a * b) ** 2 - product, 0))
        return np.where(divisor > 0, (a * b + sign * root) / divisor, np.nan)

    with np.errstate(invalid="ignore", divide="ignore"):
        return bound(a_lower, b_upper, -1), bound(a_upper, b_lower, 1)


def invert_score(
    value: np.ndarray,
    ends: tuple[float, float],
    accepts: Callable[[np.ndarray], np.ndarray],
    steps: int = 50,
) -> Bounds:
    """The parameters that ``value`` does not refute, between ``ends``.

    Args:
      accepts: parameters [slices] -> whether each is compatible with the value; true at the
        value, and once false stays so on the way to an end.
    """
    bounds = []
    for end in ends:
        inside, outside = value.copy(), np.full_like(value, end)
        for _ in range(steps):
            middle = (inside + outside) / 2
            held = accepts(middle)
            inside, outside = np.where(held, middle, inside), np.where(held, outside, middle)
        bounds.append(inside)
    return bounds[0], bounds[1]
