"""TFDV's normalized absolute difference: the largest difference of a value's count, as a share of
the counts of both sides together. It tells more rows from fewer too, and has no law under chance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .nulls import Level


@dataclass(frozen=True, eq=False)
class Unknown:
    """No chance is known."""

    between: np.ndarray

    def p_values(self, values: np.ndarray) -> np.ndarray:
        return np.full(len(values), np.nan)

    def quantiles(self, level: Level) -> np.ndarray:
        return np.full(len(self.between), np.nan)


def normalized_difference(counts: np.ndarray) -> tuple[np.ndarray, Unknown]:
    """Of counts of shape [tests, populations, values]: current, baseline and others."""
    largest = np.abs(counts[:, 0] - counts[:, 1]).max(axis=1)
    total = counts[:, :2].sum(axis=(1, 2))
    return largest / np.maximum(total, 1), Unknown(np.zeros(len(counts)))
