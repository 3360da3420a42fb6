"""The Page-Hinkley test on the stream of errors."""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field

from .contract import ErrorStream, Measured, StreamDetector
from .found_changes import earlier, found_changes


class PageHinkley(StreamDetector):
    """A CUSUM of the errors around their running mean, in both directions.

    Errors are standardised by the earlier spans' mean and standard deviation. The threshold is
    the level that a random walk with drift ``-slack``, reflected at 0, reaches in as many steps as
    the span has errors with probability ``false_alarms`` at most (Siegmund 1985).

    Attributes:
      slack: half the change to find, in standard deviations.
      false_alarms: the chance of any in a span, of independent errors that are not too rare.

    >>> import numpy as np
    >>> wrong = np.random.default_rng(0).random(6000) < np.repeat([0.1, 0.2], [5000, 1000])
    >>> found = PageHinkley().measure(
    ...     ErrorStream(np.arange(6000) * 1_000_000, wrong.astype(float), [0, 4000], "labelled")
    ... )
    >>> found.value, f"{found.since:%H:%M}"
    (1.0, '01:27')

    References:
      E. S. Page, Continuous inspection schemes, Biometrika 41, 1954; D. Siegmund, Sequential
      analysis, Springer 1985; as in River.
    """

    name: ClassVar[str] = "page_hinkley"
    slack: float = Field(default=0.1, gt=0)
    false_alarms: float = Field(default=0.001, gt=0, lt=1)

    def measure(self, stream: ErrorStream) -> Measured:
        from river.drift import PageHinkley as Online

        usual = earlier(stream)
        deviation = float(usual.std()) if len(usual) else 0.0
        errors = (stream.errors - (usual.mean() if len(usual) else 0.0)) / (deviation or 1.0)
        steps = 2 * (len(errors) - stream.current)
        reach = 2 * self.slack**2 * steps / self.false_alarms
        threshold = max(1.0, math.log(max(1.0, reach))) / (2 * self.slack)
        online = Online(delta=self.slack, threshold=threshold)
        origin = f"Page-Hinkley statistic above {threshold:.3g} standard deviations"
        return found_changes(self, online, stream, errors, origin)
