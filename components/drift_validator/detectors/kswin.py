"""KSWIN on the stream of errors."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from .contract import ErrorStream, Measured, StreamDetector
from .found_changes import found_changes

MOST = 1_000


class Kswin(StreamDetector):
    """A Kolmogorov-Smirnov test of the latest errors against a sample of those before them, at
    every step.

    It finds changes of the errors' whole distribution. As it tests at every step, each test is at
    ``false_alarms`` divided by the number of errors in the span. Of streams longer than ``MOST``
    it sees the means of as many blocks.

    Attributes:
      window: how many errors it remembers.
      latest: how many of them are the latest.
      false_alarms: the chance of any in a span, at most, of independent errors.

    >>> import numpy as np
    >>> errors = np.random.default_rng(0).exponential(np.repeat([1, 4], [3000, 1000]))
    >>> found = Kswin().measure(
    ...     ErrorStream(np.arange(4000) * 1_000_000, errors, [0, 2000], "labelled")
    ... )
    >>> found.value, f"{found.since:%H:%M}"
    (1.0, '00:51')

    References:
      C. Raab, M. Heusinger, F.-M. Schleif, Reactive soft prototype computing for concept drift
      streams, Neurocomputing 416, 2020; as in River.
    """

    name: ClassVar[str] = "kswin"
    window: int = Field(default=200, ge=40)
    latest: int = Field(default=60, ge=20)
    false_alarms: float = Field(default=0.001, gt=0, lt=1)

    def measure(self, stream: ErrorStream) -> Measured:
        from river.drift import KSWIN

        current = len(stream.errors) - stream.current
        seen = _shortened(stream, self.window)
        level = self.false_alarms / max(1, len(seen.errors) - seen.current)
        online = KSWIN(level, self.window, self.latest, seed=0)
        origin = f"Kolmogorov-Smirnov p-value below {level:.1g}"
        found = found_changes(self, online, seen, seen.errors, origin)
        return replace(found, n_baseline=stream.current, n_current=current)


def _shortened(stream: ErrorStream, window: int) -> ErrorStream:
    """The current span and ``window`` errors before it, or means of blocks of errors."""
    size = max(1, math.ceil((len(stream.errors) - stream.current) / MOST))
    before = min(window, stream.current // size)
    start = stream.current - before * size
    blocks = (len(stream.errors) - start) // size
    kept = slice(start, start + blocks * size)
    errors = stream.errors[kept].astype(float).reshape(blocks, size).mean(axis=1)
    return replace(stream, times=stream.times[kept][::size], errors=errors, starts=[0, before])
