"""What every detector takes and gives: one method a file, each a model of its own parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa

from ....beam_jobs.parameters import Parameters

EVERYTHING = "*"
"""The feature of what is about the rows as a whole, or about the stream of errors."""


@dataclass(frozen=True)
class Rows:
    """Samples of the rows of one split, and of those they are compared with.

    Attributes:
      baseline, current: one row each; a column is used where both have it.
      split: the current rows' split.
      against: what the baseline is.
      columns: what to look at, the prediction and the label included; all others are ignored.
      news: those of ``columns`` that no other split tells; correlations are taken of pairs with
        at least one of them. None: all.
    """

    baseline: pa.Table
    current: pa.Table
    split: str
    against: Literal["training", "previous", "reference"]
    columns: Sequence[str]
    news: Sequence[str] | None = None


@dataclass(frozen=True)
class ErrorStream:
    """The errors of a model's predictions, span after span.

    Attributes:
      times: of the events, in microseconds since 1970, int64.
      errors: as long as ``times``; the larger, the worse; none is NaN.
      starts: where each span begins, the oldest first and at 0; the last one is the current span.
        Within a span they are in order of time.
      split: the split that the errors are of.
    """

    times: np.ndarray
    errors: np.ndarray
    starts: Sequence[int]
    split: str

    @property
    def current(self) -> int:
        """Where the current span begins; there is nothing before it where it is 0."""
        return self.starts[-1]

    def time(self, place: int) -> datetime:
        return datetime.fromtimestamp(int(self.times[place]) / 1e6, timezone.utc)


@dataclass(frozen=True)
class Measured:
    """What one detector says about one thing.

    Attributes:
      detector: its name.
      feature: ``*``, or the two features of a correlation with `` and `` between them.
      against: what it was compared with; the errors of earlier spans are ``reference``.
      value: how large the change is, in the unit of the detector; None where there is no verdict.
      reason: why there is none.
      floor: a smaller value does not matter.
      p_value: the chance of such a value without any change; None of a detector that cannot tell.
      quantile: the value that chance exceeds with a given probability, where there is a p-value:
        ``value > quantile(level)`` wherever ``p_value < level``.
      threshold: the detector's own, where there is no p-value: it found a change where ``value``
        exceeds it. ``origin`` says in a phrase where it comes from.
      before, after: what changed, in its own unit: a correlation, a mean error.
      since: the time of the change.
      importance: by feature, how much of ``value`` is gone without it, the largest first.
    """

    detector: str
    feature: str
    split: str
    against: Literal["training", "previous", "reference"]
    n_baseline: int
    n_current: int
    value: float | None = None
    reason: str | None = None
    floor: float = 0.0
    p_value: float | None = None
    quantile: Callable[[float], float] | None = field(default=None, compare=False)
    threshold: float | None = None
    origin: str | None = None
    before: float | None = None
    after: float | None = None
    since: datetime | None = None
    importance: Mapping[str, float] = field(default_factory=dict)


class RowsDetector(Parameters, ABC):
    """Compares two samples of rows."""

    name: ClassVar[str]

    @abstractmethod
    def measure(self, rows: Rows) -> list[Measured]:
        """The same rows, with their columns in any order, always give the same; no text in it
        holds a value of a row."""


class StreamDetector(Parameters, ABC):
    """Looks for changes of the errors within the current span."""

    name: ClassVar[str]

    @abstractmethod
    def measure(self, stream: ErrorStream) -> Measured:
        """The same errors always give the same."""


def too_few(least: int, baseline: int, current: int) -> str | None:
    """Why rows are too few for a verdict, if they are."""
    if min(baseline, current) >= least:
        return None
    return f"fewer than {least} rows: {baseline:,} before, {current:,} now"
