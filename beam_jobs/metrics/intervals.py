"""Two-sided confidence intervals in closed form, for all slices at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri, stdtrit

Bounds = tuple[np.ndarray, np.ndarray]
Bounded = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Values with their lower and upper bounds."""


def normal_quantile(confidence: float) -> float:
    return float(ndtri((1 + confidence) / 2))


def t_quantile(confidence: float, freedom: np.ndarray) -> np.ndarray:
    return stdtrit(np.maximum(freedom, 1), (1 + confidence) / 2)


def wilson(share: np.ndarray, trials: np.ndarray, confidence: float) -> Bounds:
    """The score interval of a proportion: Wilson (1927), "Probable inference, the law of
    succession, and statistical inference", JASA 22. ``trials`` need not be whole."""
    z = normal_quantile(confidence)
    spread = z**2 / trials
    centre = (share + spread / 2) / (1 + spread)
    margin = z * np.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    lower, upper = np.minimum(centre - margin, share), np.maximum(centre + margin, share)
    return np.clip(lower, 0, 1), np.clip(upper, 0, 1)


def symmetric(value: np.ndarray, variance: np.ndarray, quantile: np.ndarray) -> Bounds:
    margin = quantile * np.sqrt(variance)
    return value - margin, value + margin


def difference(first: Bounded, second: Bounded) -> Bounds:
    """Of two independent values, from the interval of each: Zou & Donner (2008), "Construction of
    confidence limits about effect measures: a general approach", Statistics in Medicine 27."""
    (a, a_lower, a_upper), (b, b_lower, b_upper) = first, second
    below, above = np.hypot(a - a_lower, b_upper - b), np.hypot(a_upper - a, b - b_lower)
    return a - b - below, a - b + above


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
