"""Jensen-Shannon divergence in bits (Lin 1991), and how large chance alone makes it.

Were the rows of both populations dealt out at random, each cell's count would be hypergeometric.
The mean of the divergence under that law is computed exactly, cell by cell; so is the variance,
but for the dependence of cells on each other, for which the asymptotic value stands. A gamma law
with that mean and variance gives the tail: with many rows in each cell it is the well-known scaled
chi-square law (Menéndez et al. 1997), with few it is not.

J. Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Inf. Theory 37, 1991.
M. L. Menéndez, J. A. Pardo, L. Pardo, M. C. Pardo, The Jensen-Shannon divergence, Journal of the
Franklin Institute 334, 1997.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import special

from .nulls import GammaNull
from .span_variation import LEAST_SPANS, times

_FEW_EXPECTED, _FEW, _MOST = 25, 50, 70
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(12)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def divergence(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Of counts or shares of shape [..., cells], bits."""
    shares = [
        side / np.maximum(side.sum(axis=-1, keepdims=True), 1e-300) for side in (first, second)
    ]
    return _parts(*shares).sum(axis=-1)


def divergence_test(counts: np.ndarray, against: np.ndarray) -> tuple[np.ndarray, GammaNull]:
    """Divergences of the current counts from the baseline's, and their law.

    Reference spans tell how far a span is from the others beyond chance; so much more is then
    expected of the current one.

    Args:
      counts: [tests, populations, cells]; current, baseline, references.
      against: what each test's baseline is, [tests].
    """
    rows = counts.sum(axis=2)
    current, baseline = counts[:, 0], counts[:, 1]
    mean, variance = divergence_by_chance(current + baseline, rows[:, 1], rows[:, 0])
    spans = _between(counts[:, 2:])
    factor = times(against, spans.number) * (spans.number - 1) / np.maximum(spans.number, 1)
    more = spans.excess * factor
    whole = mean + more
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.minimum(spans.own, 2 * mean**2 / variance)
        scaled = variance * whole / np.maximum(mean, 1e-300) + 2 * more**2 / own
        degrees = spans.number * own * (whole / (factor * spans.mean)) ** 2
    variance = np.where(more > 0, scaled, variance)
    degrees = np.where(more > 0, degrees, np.inf)
    null = GammaNull(whole, variance, degrees, more / np.maximum(whole, 1e-300))
    return divergence(current, baseline), null


class _Spans(NamedTuple):
    """Of the divergences of reference spans from all others together, [tests]: their mean, what
    that exceeds chance by, degrees of freedom of one of them, and how many there are."""

    mean: np.ndarray
    excess: np.ndarray
    own: np.ndarray
    number: np.ndarray


def _between(references: np.ndarray) -> _Spans:
    rows = references.sum(axis=2)
    known = rows > 0
    found = _Spans(*np.zeros((2, len(rows))), np.ones(len(rows)), known.sum(axis=1))
    enough = np.flatnonzero(found.number >= LEAST_SPANS)
    if not len(enough):
        return found
    references, rows, known = references[enough], rows[enough], known[enough]
    whole = references.sum(axis=1, keepdims=True)
    values = divergence(references, whole - references)
    pooled = np.broadcast_to(whole, references.shape).reshape(-1, whole.shape[2])
    others = rows.sum(axis=1, keepdims=True) - rows
    by_chance, _ = divergence_by_chance(
        pooled * known.reshape(-1, 1), np.maximum(others, 1).ravel(), np.maximum(rows, 1).ravel()
    )
    number = known.sum(axis=1)
    mean = np.where(known, values, 0).sum(axis=1) / number
    squares = np.where(known, (values - mean[:, None]) ** 2, 0).sum(axis=1) / (number - 1)
    expected = np.where(known, by_chance.reshape(rows.shape), 0).sum(axis=1) / number
    found.mean[enough] = mean
    found.excess[enough] = np.maximum(mean - expected, 0)
    found.own[enough] = np.maximum(2 * mean**2 / np.maximum(squares, 1e-300), 1)
    return found


def divergence_by_chance(
    pooled: np.ndarray, n: np.ndarray, m: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the divergence between ``m`` rows drawn at random and the ``n`` others.

    Args:
      pooled: counts of both together, [tests, cells]; 0 where a test has fewer cells.
      n, m: [tests].
    """
    pooled = np.round(pooled)
    test, cell = np.nonzero(pooled)
    counts = pooled[test, cell]
    moments = np.zeros((2, len(counts)))
    expected = counts * np.minimum(n, m)[test] / (n + m)[test]
    few = (expected < _FEW_EXPECTED) | (counts <= _FEW)
    moments[:, ~few] = _by_quadrature(counts[~few], n[test[~few]], m[test[~few]])
    distinct, place = np.unique(np.stack([test[few], counts[few]]), axis=1, return_inverse=True)
    of_test = distinct[0].astype(int)
    moments[:, few] = _by_enumeration(distinct[1], n[of_test], m[of_test])[:, place.ravel()]
    mean, variance = (np.bincount(test, part, len(pooled)) for part in moments)
    shares = counts / (n + m)[test]
    cells = np.bincount(test, minlength=len(pooled))
    alone = np.bincount(test, (1 - shares) ** 2, len(pooled))
    return mean, variance * np.maximum(cells - 1, 0) / np.maximum(alone, 1e-300)


def _parts(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    middle = np.maximum((p + q) / 2, 1e-300)
    return (special.xlogy(p, p / middle) + special.xlogy(q, q / middle)) / (2 * math.log(2))


def _by_quadrature(counts: np.ndarray, n: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Cells with many rows: their counts are as good as normal."""
    total = n + m
    mean = counts * m / total
    deviation = np.sqrt(mean * (1 - counts / total) * n / np.maximum(total - 1, 1))
    drawn = np.clip(mean[:, None] + deviation[:, None] * _NODES, 0, counts[:, None])
    return _moments(drawn, counts, n, m, np.broadcast_to(_WEIGHTS, drawn.shape))


def _by_enumeration(counts: np.ndarray, n: np.ndarray, m: np.ndarray) -> np.ndarray:
    """Cells with few rows, or few expected on the smaller side: all counts there with a chance."""
    total, smaller = n + m, np.minimum(n, m)
    drawn = np.minimum(np.arange(_MOST + 1.0), counts[:, None])
    possible = np.arange(_MOST + 1) <= np.minimum(counts, smaller)[:, None]
    logs = (
        _log_choose(counts[:, None], drawn)
        + _log_choose((total - counts)[:, None], np.maximum(smaller[:, None] - drawn, 0))
        - _log_choose(total, smaller)[:, None]
    )
    logs = np.where(possible, logs, -np.inf)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True, initial=-1e300))
    chances = chances / chances.sum(axis=1, keepdims=True)
    return _moments(drawn, counts, total - smaller, smaller, chances)


def _moments(
    drawn: np.ndarray, counts: np.ndarray, n: np.ndarray, m: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    parts = _parts((counts[:, None] - drawn) / n[:, None], drawn / m[:, None])
    mean = (parts * weights).sum(axis=1)
    return np.stack([mean, ((parts - mean[:, None]) ** 2 * weights).sum(axis=1)])


def _log_choose(n: np.ndarray, k: np.ndarray) -> np.ndarray:
    inside = k <= n
    k = np.where(inside, k, 0)
    logs = special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    return np.where(inside, logs, -np.inf)
