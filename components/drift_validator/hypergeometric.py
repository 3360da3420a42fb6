"""Tails of the hypergeometric law: how many of some marked rows are among those drawn at random.

Where few of all rows are marked, or few are drawn, the tail is that of the binomial law, which is
no smaller; elsewhere the signed root of the deviance is taken as normal, with a correction for
continuity, which is within 15 % of the exact tail down to 1e-6 (compare Molenaar, Approximations
to the Poisson, binomial and hypergeometric distribution functions, 1970).
"""

from __future__ import annotations

import numpy as np
from scipy import special

_FEW = 0.05


def both_tails(
    distance: np.ndarray, total: np.ndarray, marked: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """P(|X - E X| >= distance), X of ``marked`` among ``drawn`` of ``total`` rows."""
    expected = marked * drawn / total
    above = _upper_tail(expected + distance, total, marked, drawn)
    below = _upper_tail(marked - expected + distance, total, marked, total - drawn)
    return np.where(distance <= 0, 1.0, np.minimum(above + below, 1.0))


def _upper_tail(
    least: np.ndarray, total: np.ndarray, marked: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    """P(X >= least); between integers it is continued smoothly."""
    least, total, marked, drawn = np.broadcast_arrays(least, total, marked, drawn)
    most = np.minimum(marked, drawn)
    inside = np.minimum(least, most)
    rare = marked <= _FEW * total
    trials, share = (
        np.where(rare, marked, drawn),
        np.where(rare, drawn, marked) / total,
    )
    binomial = special.betainc(
        np.maximum(inside, 1e-9), np.maximum(trials - inside, 0) + 1, np.clip(share, 0, 1)
    )
    few = rare | (drawn <= _FEW * total)
    tail = np.where(few, binomial, _by_deviance(inside, total, marked, drawn))
    return np.where(least > most + 1e-6, 0.0, tail)


def _by_deviance(
    least: np.ndarray, total: np.ndarray, marked: np.ndarray, drawn: np.ndarray
) -> np.ndarray:
    x = least - 0.5
    sides = (marked, total - marked)
    expected = np.array([s * d / total for s in sides for d in (drawn, total - drawn)])
    moved = x - expected[0]
    observed = np.maximum(expected + np.array([moved, -moved, -moved, moved]), 0)
    deviance = 2 * special.xlogy(observed, observed / np.maximum(expected, 1e-300)).sum(axis=0)
    root = np.sqrt(np.maximum(deviance, 0) * (total - 1) / total)
    return special.ndtr(-np.sign(moved) * root)
