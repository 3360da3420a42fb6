"""Metrics of a binary classification, from how many rows of each score have label 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy.special import expit

from .score_points import ScorePoints

Value = Callable[[ScorePoints, np.ndarray, float], np.ndarray]


def _mean(of_negatives: np.ndarray, of_positives: np.ndarray) -> Callable:
    """Of a quantity that is so and so large at each score, by label."""

    def value(points: ScorePoints, positives: np.ndarray) -> np.ndarray:
        always = points.rows @ of_negatives
        return (always + positives @ (of_positives - of_negatives)) / points.total

    return value


def _log_loss(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    of_negatives, of_positives = np.logaddexp(0, points.logits), np.logaddexp(0, -points.logits)
    return _mean(of_negatives, of_positives)(points, positives)


def _brier(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    scores = expit(points.logits)
    return _mean(scores**2, (1 - scores) ** 2)(points, positives)


def _accuracy(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    decided = _decided(points, threshold)
    return _mean(1 - decided, decided)(points, positives)


def _precision(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    decided = _decided(points, threshold)
    return _ratio(positives @ decided, points.rows @ decided)


def _recall(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    return _ratio(positives @ _decided(points, threshold), positives.sum(axis=-1))


def _auc(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    negatives = points.rows - positives
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    pairs = positives.sum(axis=-1) * negatives.sum(axis=-1)
    return _ratio((positives * below).sum(axis=-1), pairs)


def _calibration(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    return _ratio(points.rows @ expit(points.logits), positives.sum(axis=-1))


def _mean_label(points: ScorePoints, positives: np.ndarray, threshold: float) -> np.ndarray:
    return positives.sum(axis=-1) / points.total


def _decided(points: ScorePoints, threshold: float) -> np.ndarray:
    return (expit(points.logits) > threshold).astype(float)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(below > 0, above / np.maximum(below, 1e-300), np.nan)


METRICS: Mapping[str, Value] = MappingProxyType(
    {
        "auc": _auc,
        "binary_crossentropy": _log_loss,
        "brier": _brier,
        "accuracy": _accuracy,
        "precision": _precision,
        "recall": _recall,
        "calibration": _calibration,
        "mean_label": _mean_label,
    }
)
"""By name: (points, positives [..., k], decision threshold) -> values [...], NaN if undefined."""
