"""Variances of totals over the rows of slices, and of linear combinations of them.

A smooth function of totals varies, to first order, as the combination of the totals with its
gradient (delta method); the combination is a sum over independent rows, of which the second
moments are known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from .slice_table import SliceStatistics
from .sums import ONE, Linear, Sum

Terms = Sequence[tuple[Linear, np.ndarray]]
"""(variable of a row, its coefficient in each slice) pairs."""


def variance_sums(variables: Sequence[Linear], weighted: bool) -> Iterator[Sum]:
    """The sums that ``combination_variance`` of these variables needs."""
    for i, left in enumerate(variables):
        yield from left.sums(int(weighted))
        for right in variables[i:]:
            yield from (left * right).sums(2 * weighted)


def combination_variance(known: SliceStatistics, terms: Terms, weighted: bool) -> np.ndarray:
    """The variance [slices] of a combination of totals, rows being drawn independently."""
    total = sum(c * x.total(known.sums, int(weighted)) for x, c in terms)
    square = 0.0
    for i, (left, a) in enumerate(terms):
        for j, (right, b) in enumerate(terms[i:]):
            square += (1 if not j else 2) * a * b * (left * right).total(known.sums, 2 * weighted)
    n = known.rows
    return np.where(n > 1, np.maximum(square - total**2 / n, 0) * n / (n - 1), np.nan)


def fourth_sums(numerator: Linear, denominator: Linear, weighted: bool) -> set[Sum]:
    """The sums that ``freedom`` needs, beside those of the variance."""
    powers = _powers(numerator, denominator, 4)
    return {wanted for power in powers for wanted in power.sums(4 * weighted)}


def freedom(
    known: SliceStatistics,
    numerator: Linear,
    denominator: Linear,
    ratio: np.ndarray,
    weighted: bool,
) -> np.ndarray:
    """Degrees of freedom of the variance of a ratio of totals, float64 [slices].

    By the kurtosis of the rows' deviations: Satterthwaite (1946), "An approximate distribution of
    estimates of variance components", Biometrics Bulletin 2. Where few rows make up the variance,
    as those of a rare class do, it is itself known badly.
    """
    moments = [
        sum(
            math.comb(degree, k) * (-ratio) ** k * power.total(known.sums, degree * weighted)
            for k, power in enumerate(_powers(numerator, denominator, degree))
        )
        for degree in (2, 4)
    ]
    n = known.rows
    with np.errstate(invalid="ignore", divide="ignore"):
        kurtosis = n * moments[1] / moments[0] ** 2
        degrees = 2 * n / (kurtosis - 1)
    return np.where(kurtosis > 1, np.clip(degrees, 1, n - 1), n - 1)


def _powers(numerator: Linear, denominator: Linear, degree: int) -> list[Linear]:
    """``numerator ** (degree - k) * denominator ** k`` for each k."""
    return [
        math.prod([numerator] * (degree - k) + [denominator] * k, start=ONE)
        for k in range(degree + 1)
    ]


def effective_number(known: SliceStatistics, of: Linear, weighted: bool) -> np.ndarray:
    """How many rows of equal weight tell as much as those of ``of``, a 0 or 1 (Kish 1965)."""
    total = of.total(known.sums, int(weighted))
    if not weighted:
        return total
    return total**2 / of.total(known.sums, 2)


def row_sums(weighted: bool) -> set[Sum]:
    return {*ONE.sums(0), *ONE.sums(int(weighted)), *ONE.sums(2 * weighted)}
