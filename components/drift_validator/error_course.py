"""The course of the errors over time, for people to look at."""

from __future__ import annotations

import math
from datetime import datetime, timezone

import numpy as np

from ...beam_jobs.reports import ErrorPoint

_POINTS = 60
_ROWS_A_POINT = 30
_NORMAL_95 = 1.96


def error_course(times: np.ndarray, errors: np.ndarray) -> list[ErrorPoint]:
    """Mean errors of predictions in a row, as many each; none of fewer than ``_ROWS_A_POINT``.

    Args:
      times: microseconds since 1970, in any order.
      errors: as long as ``times``, finite.
    """
    order = np.argsort(times, kind="stable")
    points = min(_POINTS, len(order) // _ROWS_A_POINT)
    return [
        _point(times[rows], errors[rows])
        for rows in (np.array_split(order, points) if points else ())
    ]


def _point(times: np.ndarray, errors: np.ndarray) -> ErrorPoint:
    n, mean = len(errors), float(errors.mean())
    half = _NORMAL_95 * float(errors.std(ddof=1)) / math.sqrt(n)
    return ErrorPoint(
        time=datetime.fromtimestamp(int(times[n // 2]) / 1e6, timezone.utc),
        mean=mean,
        lower=mean - half,
        upper=mean + half,
        n=n,
    )
