"""Labelled rows, cut in two by time."""

from __future__ import annotations

import numpy as np

from .in_words import LEAST_LABELLED


def in_halves(times: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Rows up to the median time and after it; None where either are too few.

    Args:
      times: float64 [n], NaN where unknown.
    """
    timed = np.flatnonzero(np.isfinite(times))
    if not timed.size:
        return None
    late = times[timed] > np.median(times[timed])
    older, newer = timed[~late], timed[late]
    return (older, newer) if min(len(older), len(newer)) >= LEAST_LABELLED else None
