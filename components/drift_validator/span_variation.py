"""How much spans differ from each other beyond what the numbers of their rows explain."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

LEAST_SPANS = 3
Against = Literal["training", "previous", "reference"]


class Variation(NamedTuple):
    """Variance between spans beyond sampling, and with it, as they were observed."""

    between: np.ndarray
    observed: np.ndarray


def between_spans(values: np.ndarray, sampling: np.ndarray, known: np.ndarray) -> Variation:
    """By the method of moments; 0 where fewer than ``LEAST_SPANS`` spans tell.

    Args:
      values, sampling: a statistic of each span and its sampling variance, [spans, ...].
      known: which spans have it, the same shape.
    """
    spans = known.sum(axis=0)
    mean = np.where(known, values, 0).sum(axis=0) / np.maximum(spans, 1)
    observed = np.where(known, (values - mean) ** 2, 0).sum(axis=0) / np.maximum(spans - 1, 1)
    expected = np.where(known, sampling, 0).sum(axis=0) / np.maximum(spans, 1)
    between = np.where(spans >= LEAST_SPANS, np.maximum(observed - expected, 0), 0.0)
    return Variation(between, observed)


def times(against: np.ndarray, spans: np.ndarray) -> np.ndarray:
    """How many times that variance a difference between a span and its baseline has.

    Training data are taken to be as far from the usual as any one span.
    """
    return np.where(against == "reference", 1 + 1 / np.maximum(spans, 1), 2.0)


def degrees_of_freedom(
    whole: np.ndarray, observed: np.ndarray, between: np.ndarray, spans: np.ndarray
) -> np.ndarray:
    """Of a variance ``whole`` that an ``observed`` one is a part of; inf where spans add nothing
    (Satterthwaite, Biometrics Bulletin 2, 1946)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = np.maximum(spans - 1, 1) * (whole / observed) ** 2
    return np.where(between > 0, degrees, np.inf)
