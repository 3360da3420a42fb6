"""What every fast metric can do."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .intervals import Bounds, Confidence
from .slice_table import Needs, SliceStatistics


class FastMetric(Protocol):
    """A metric that follows from sufficient statistics, of all slices at once.

    Attributes:
      depends_on_model: False for what is the same for all models on the same rows.
      larger_is_better: None where neither direction is.
      range: the least and the greatest value that there can be.
    """

    depends_on_model: bool
    larger_is_better: bool | None
    range: tuple[float, float]

    def needs(self) -> Needs:
        """For its values and intervals."""

    def values(self, known: SliceStatistics) -> np.ndarray:
        """Float64 [slices], the numbers that TFMA gives."""

    def defined(self, known: SliceStatistics) -> np.ndarray:
        """Whether the value means anything: bool [slices]."""

    def bounds(self, known: SliceStatistics, confidence: Confidence) -> Bounds | None:
        """Of the values; NaN where a slice allows none, None where the metric never does."""

    def pair_needs(self, other: FastMetric) -> Needs:
        """For intervals of differences to the same metric of another model on the same rows."""

    def difference_bounds(
        self, other: FastMetric, known: SliceStatistics, confidence: Confidence
    ) -> Bounds | None:
        """Of the values of this metric minus those of ``other``."""
