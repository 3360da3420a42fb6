"""The loss of each row, which tells in which slices a model is worse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ..evaluation_config import MULTI_CLASS, EvaluationConfig

Loss = Callable[[np.ndarray, np.ndarray, float], np.ndarray]

LOSSES: Mapping[str, Loss] = MappingProxyType(
    {
        "log_loss": lambda label, score, threshold: -np.log(np.where(label == 1, score, 1 - score)),
        "categorical_log_loss": lambda label, score, threshold: (
            np.log(score.sum(axis=1)) - np.log(score[np.arange(len(label)), label.astype(int)])
        ),
        "squared_error": lambda label, score, threshold: (score - label) ** 2,
        "absolute_error": lambda label, score, threshold: np.abs(score - label),
        "wrong": lambda label, score, threshold: ((score > threshold) != label).astype(float),
    }
)
"""By name: (labels [n], scores [n], decision threshold) -> losses [n]."""
_OF_METRIC = MappingProxyType(
    {
        "binary_crossentropy": "log_loss",
        "brier": "squared_error",
        "accuracy": "wrong",
        "mse": "squared_error",
        "mae": "absolute_error",
    }
)
_OF_TASK = MappingProxyType(
    {
        "binary_classification": "log_loss",
        "multi_class_classification": "categorical_log_loss",
        "regression": "squared_error",
    }
)


def loss_name(config: EvaluationConfig) -> str:
    """The loss whose mean is the primary metric; else that which the task is usually trained by."""
    usual = _OF_TASK[config.task]
    if config.task == MULTI_CLASS:
        return usual
    return _OF_METRIC.get(config.primary_name, usual)
