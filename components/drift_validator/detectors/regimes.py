"""Since when a model errs as much as it does now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import stats

LEVEL = 0.05
LEAST_SPANS, SPANS_TO_SPLIT = 3, 5
LEAST_ROWS = 30


@dataclass(frozen=True)
class Regime:
    """Earlier spans whose mean errors vary about one level.

    Attributes:
      first: the first of them.
      variance: of the means of spans; a change of their level adds little to it.
      degrees: of that variance; 0 where too few spans tell it.
      spans: how many there are in the regime.
      one_row: mean of 1 / rows, over all spans.
    """

    first: int
    variance: float
    degrees: float
    spans: int
    one_row: float


def regimes(errors: np.ndarray, starts: Sequence[int]) -> list[Regime]:
    """All earlier spans as one regime, and the last one where their level has changed.

    The variance of all is that of successive differences (von Neumann 1941), of the last regime the
    one about both levels. The change lies within the span that leaves the least of that variance
    without it, and counts where Student's t between the means of the spans before and after is as
    unlikely as ``LEVEL``, for all spans together. Spans with fewer than ``LEAST_ROWS`` errors tell
    nothing.

    J. von Neumann, R. H. Kent, H. R. Bellinson, B. I. Hart, The mean square successive difference,
    Annals of Mathematical Statistics 12, 1941.

    Args:
      errors: in order of time.
      starts: where each span begins, at last the current one.
    """
    known = [
        (i, errors[start:end])
        for i, (start, end) in enumerate(pairwise(starts))
        if end - start >= LEAST_ROWS
    ]
    means = np.array([span.mean() for _, span in known])
    one_row = float(np.mean([1 / len(span) for _, span in known])) if known else 0.0
    count = len(means)
    if count < LEAST_SPANS:
        return [Regime(0, 0.0, 0, count, one_row)]
    variance = float((np.diff(means) ** 2).mean() / 2)
    found = [Regime(0, variance, 2 * (count - 1) ** 2 / (3 * count - 4), count, one_row)]
    if count < SPANS_TO_SPLIT:
        return found
    sides = [(means[:k], means[k + 1 :]) for k in range(1, count - 1)]
    within = [sum(side.var() * len(side) for side in both) for both in sides]
    best = int(np.argmin(within))
    before, after = sides[best]
    left, degrees = within[best] / (count - 3), count - 3
    with np.errstate(divide="ignore", invalid="ignore"):
        t = abs(before.mean() - after.mean()) / np.sqrt(left * (1 / len(before) + 1 / len(after)))
    if 2 * stats.t.sf(t, degrees) * len(sides) < LEVEL:
        found.append(Regime(known[best + 2][0], left, degrees, len(after), one_row))
    return found
