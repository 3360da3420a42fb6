"""Differences of location and spread, by ranks among the rows of both sides.

``location``: P(current > baseline) + P(equal) / 2 - 1/2 of one row each (Mann and Whitney 1947).
``spread``: the difference of the mean squared distance from the middle rank, in units of the whole
range of ranks such that a uniform law has 1 (Mood 1954, with mid-ranks for ties).

Both are differences of mean scores, whose variance under permutation is known exactly. Ranks do not
know heavy tails: a location differs as clearly among Cauchy numbers as among normal ones.

H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18, 1947; A. M. Mood, On the asymptotic
efficiency of certain nonparametric two-sample tests, Annals of Mathematical Statistics 25, 1954.
"""

from __future__ import annotations

import numpy as np

from .nulls import StudentNull
from .span_variation import between_spans, degrees_of_freedom, times


def location(counts: np.ndarray, against: np.ndarray) -> tuple[np.ndarray, StudentNull]:
    """Absolute values and their law.

    Args:
      counts: [tests, populations, cells], the cells ascending; current, baseline, references.
      against: what each test's baseline is, [tests].
    """
    return _difference(counts, _mid_ranks(counts), against)


def spread(counts: np.ndarray, against: np.ndarray) -> tuple[np.ndarray, StudentNull]:
    """As ``location``."""
    return _difference(counts, 12 * (_mid_ranks(counts) - 0.5) ** 2, against)


def _mid_ranks(counts: np.ndarray) -> np.ndarray:
    pooled = counts[:, :2].sum(axis=1)
    total = np.maximum(pooled.sum(axis=1, keepdims=True), 1)
    return (np.cumsum(pooled, axis=1) - pooled / 2) / total


def _difference(
    counts: np.ndarray, scores: np.ndarray, against: np.ndarray
) -> tuple[np.ndarray, StudentNull]:
    rows = counts.sum(axis=2)
    known = rows > 0
    means = np.einsum("tpk,tk->tp", counts, scores) / np.maximum(rows, 1e-300)
    pooled = counts[:, :2].sum(axis=1)
    total = pooled.sum(axis=1)
    middle = (pooled * scores).sum(axis=1) / np.maximum(total, 1e-300)
    squares = (pooled * (scores - middle[:, None]) ** 2).sum(axis=1) / np.maximum(total - 1, 1)
    of_spans = squares[:, None] / np.maximum(rows, 1e-300)
    spans = known[:, 2:].sum(axis=1)
    found = between_spans(means[:, 2:].T, of_spans[:, 2:].T, known[:, 2:].T)
    factor = times(against, spans)
    between = found.between * factor
    whole = of_spans[:, 0] + of_spans[:, 1] + between
    null = StudentNull(
        np.sqrt(whole),
        degrees_of_freedom(whole, found.observed * factor, between, spans),
        between / np.maximum(whole, 1e-300),
    )
    return np.abs(means[:, 0] - means[:, 1]), null
