"""What a statistic does without any change, told by values of it that were simulated."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TAIL = 0.1


@dataclass(frozen=True)
class SimulatedNull:
    """The distribution of ``values``, ascending; its highest tenth continued exponentially.

    The tail of a normal or a Poisson statistic falls faster than that, so that chances far below
    1 / len(values) are told too large rather than too small.
    """

    values: np.ndarray

    @property
    def _start(self) -> float:
        return float(np.quantile(self.values, 1 - TAIL))

    @property
    def _mean_excess(self) -> float:
        above = self.values[self.values > self._start]
        return float((above - self._start).mean()) if len(above) else 0.0

    def p_value(self, value: float) -> float:
        """The chance of at least ``value``."""
        if value > self._start:
            excess = self._mean_excess
            return (
                TAIL * math.exp(-(value - self._start) / excess) if excess else 1 / len(self.values)
            )
        return float(1 - np.searchsorted(self.values, value, side="left") / len(self.values))

    def quantile(self, probability: float) -> float:
        """The value that chance exceeds with ``probability``."""
        if probability < TAIL:
            return self._start + self._mean_excess * math.log(TAIL / probability)
        return float(np.quantile(self.values, 1 - probability))
