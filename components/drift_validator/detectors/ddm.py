"""DDM on the stream of errors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from .contract import ErrorStream, Measured, StreamDetector
from .found_changes import earlier, found_changes

WARM_START = 30
UPPER_QUARTER = 0.75


class Ddm(StreamDetector):
    """The drift detection method: the share of wrong predictions rises above its lowest level by
    ``deviations`` standard deviations.

    It knows right and wrong only. Of errors other than 0 and 1 those count as wrong that are
    larger than three quarters of the earlier spans' are. The lowest level is looked for from the
    current span on, for the first rows of a stream give one that is too low.

    Attributes:
      deviations: fewer find more, and raise more false alarms.

    >>> import numpy as np
    >>> wrong = np.random.default_rng(0).random(6000) < np.repeat([0.1, 0.2], [4000, 2000])
    >>> found = Ddm().measure(
    ...     ErrorStream(np.arange(6000) * 1_000_000, wrong.astype(float), [0, 4000], "labelled")
    ... )
    >>> found.value, f"{found.since:%H:%M}"
    (1.0, '01:13')

    References:
      J. Gama, P. Medas, G. Castillo, P. Rodrigues, Learning with drift detection, SBIA 2004; as
      in River.
    """

    name: ClassVar[str] = "ddm"
    deviations: float = Field(default=3.0, gt=1)

    def measure(self, stream: ErrorStream) -> Measured:
        from river.drift.binary import DDM

        errors = stream.errors
        if len(errors) and not np.isin(errors, (0, 1)).all():
            errors = errors > np.quantile(earlier(stream), UPPER_QUARTER)
        online = DDM(max(WARM_START, stream.current), drift_threshold=self.deviations)
        origin = f"{self.deviations:g} standard deviations above the lowest error rate"
        return found_changes(self, online, stream, errors.astype(float), origin)
