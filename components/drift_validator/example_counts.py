"""The number of a span's rows beside that of earlier spans."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from .config import DriftConfig
from .detected import Detected
from .pairs import Splits
from .span_variation import LEAST_SPANS

DISTANCE = "number_of_examples"


def example_counts(
    current: Splits, references: Sequence[Splits], config: DriftConfig
) -> list[Detected]:
    """How many times more rows, or fewer, than the reference spans' geometric mean, less one.

    Its law is Student's of the logarithms, so it takes ``LEAST_SPANS`` spans; with a fixed
    threshold, one. Only the first split is compared: labels come when they come.
    """
    fixed = config.fixed_threshold("*", DISTANCE)
    if not current:
        return []
    split = next(iter(current))
    n = current[split].overall.rows
    before = [r[split].overall.rows for r in references if split in r and r[split].overall.rows]
    if not n or not before or (fixed is None and len(before) < LEAST_SPANS):
        return []
    logs = np.log(before)
    distance = abs(math.log(n) - logs.mean())
    enough = len(before) >= LEAST_SPANS
    deviation = logs.std(ddof=1) if enough else math.nan
    deviation = math.sqrt((deviation**2 + 1 / n) * (1 + 1 / len(before)))
    degrees = len(before) - 1
    return [
        Detected(
            distance=DISTANCE,
            feature="*",
            split=split,
            against="reference" if len(before) > 1 else "previous",
            n_baseline=round(math.exp(logs.mean())),
            n_current=n,
            value=math.expm1(distance),
            floor=config.floors.number_of_examples,
            p_value=float(2 * stats.t.sf(distance / deviation, degrees)) if enough else None,
            quantile=lambda level: math.expm1(deviation * stats.t.isf(level / 2, degrees)),
            threshold=fixed,
            origin=None if fixed is None else "fixed in configuration",
            noise=f"variation between {len(before)} reference spans",
        )
    ]
