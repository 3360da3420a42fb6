"""Two-sided confidence intervals in closed form, for all slices at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtri, stdtrit

Bounds = tuple[np.ndarray, np.ndarray]


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
