"""How much spans differ from each other beyond what the numbers of their rows explain."""

from __future__ import annotations

from typing import Literal

import numpy as np

LEAST_SPANS = 3
Against = Literal["training", "previous", "reference"]


def between_spans(values: np.ndarray, sampling: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Variance between spans, by the method of moments; 0 where fewer than ``LEAST_SPANS`` tell.

    Args:
      values, sampling: a statistic of each span and its sampling variance, [spans, ...].
      known: which spans have it, the same shape.
    """
    if not len(values):
        return np.zeros(values.shape[1:])
    spans = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(spans, 1)
    squares = np.where(known, (values - mean) ** 2, 0).sum(axis=0) / np.maximum(spans - 1, 1)
    expected = np.where(known, sampling, 0).sum(axis=0) / np.maximum(spans, 1)
    return np.where(spans >= LEAST_SPANS, np.maximum(squares - expected, 0), 0.0)


def times(against: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """How many times that variance a difference between a span and its baseline has."""
    return np.where(against == "previous", 2.0, 1 + 1 / np.maximum(spans, 1))


def satterthwaite(sampling: np.ndarray, between: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """Degrees of freedom of the sum of a known and an estimated variance; inf where the latter
    is 0 (Satterthwaite, Biometrics Bulletin 2, 1946)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = (sampling + between) / between
    return np.where(between > 0, np.maximum(spans - 1, 1) * ratio**2, np.inf)
