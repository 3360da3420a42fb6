"""ADWIN on the stream of errors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from .contract import ErrorStream, Measured, StreamDetector
from .found_changes import found_changes

OUTLIERS = 0.005


class Adwin(StreamDetector):
    """Adaptive windowing: a window of the latest errors that is cut where its two parts have
    means further apart than chance allows.

    Its bound is for values between 0 and 1. Errors that are not are divided by a large one, the
    ``OUTLIERS`` largest of them counting as 1.

    Attributes:
      delta: smaller ones find less, and raise fewer false alarms.

    >>> import numpy as np
    >>> wrong = np.random.default_rng(0).random(6000) < np.repeat([0.1, 0.4], [5000, 1000])
    >>> found = Adwin().measure(
    ...     ErrorStream(np.arange(6000) * 1_000_000, wrong.astype(float), [0, 4000], "labelled")
    ... )
    >>> found.value, 1 <= found.since.hour <= 2
    (1.0, True)

    References:
      A. Bifet, R. Gavaldà, Learning from time-changing data with adaptive windowing, SDM 2007;
      as in River.
    """

    name: ClassVar[str] = "adwin"
    delta: float = Field(default=0.002, gt=0, lt=1)

    def measure(self, stream: ErrorStream) -> Measured:
        from river.drift import ADWIN

        errors = _within_0_and_1(stream.errors.astype(float))
        return found_changes(self, ADWIN(self.delta), stream, errors, f"delta {self.delta:g}")


def _within_0_and_1(errors: np.ndarray) -> np.ndarray:
    if not len(errors) or (errors.min() >= 0 and errors.max() <= 1):
        return errors
    lowest = errors.min()
    width = np.quantile(errors, 1 - OUTLIERS) - lowest or errors.max() - lowest
    return np.minimum((errors - lowest) / (width or 1.0), 1.0)
