"""How much the mean of a series varies whose neighbouring values are alike."""

from __future__ import annotations

import numpy as np

LARGEST = 0.97


def long_run_variance(residuals: np.ndarray) -> float:
    """The variance of the mean, times the length of the series; at least that of its values.

    A first-order autoregression takes out most of the dependence, Bartlett's kernel weighs what
    is left (Andrews and Monahan 1992); the autoregression's bias in short series is taken off
    (Kendall 1954).

    Args:
      residuals: a series of mean zero, in order.
    """
    n = len(residuals)
    variance = residuals @ residuals / n
    if not variance:
        return 0.0
    slope = float(residuals[1:] @ residuals[:-1] / (n * variance))
    slope = min(LARGEST, slope + (1 + 3 * slope) / n)
    left = residuals[1:] - slope * residuals[:-1]
    lags = int(4 * (n / 100) ** (2 / 9))
    whitened = left @ left / len(left)
    for lag in range(1, lags + 1):
        whitened += 2 * (1 - lag / (lags + 1)) * (left[lag:] @ left[:-lag]) / len(left)
    return max(float(variance), float(whitened / (1 - slope) ** 2))
