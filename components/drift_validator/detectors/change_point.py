"""A change of the mean error within the current span, with its time, size and direction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy import stats

from .contract import EVERYTHING, ErrorStream, Measured, StreamDetector, too_few
from .daily_pattern import without_daily_pattern
from .long_run_variance import long_run_variance
from .regimes import Regime, regimes
from .simulated_null import SimulatedNull

BLOCKS = 1_024
SIMULATIONS = 1_999
TRIMMED = 0.05
OUTLIERS = 20
LEAST_SEGMENT = 30


class ChangePoint(StreamDetector):
    """The split of the stream, within the current span, at which the mean error changes most.

    For each place of the current span the errors from there on are compared with all before it;
    the largest standardised difference of means (a weighted CUSUM; Csörgő and Horváth 1997) is
    the change point. The value is the difference there, in standard deviations of the errors.

    Its null distribution is that of the same maximum over permutations of the errors' residuals,
    in at most ``BLOCKS`` blocks, so that it holds for rare and for heavy-tailed errors.
    Neighbouring errors that are alike widen it by the long-run variance; the hours of the day
    that always are the worse ones are taken out first; and where earlier spans differ from each
    other by more than that, the variance of such a difference is added, as Student's t with
    Satterthwaite's degrees of freedom. Where the level of errors has changed in earlier spans
    already, the errors since then are looked at too, and the p-value of the less likely of both
    changes is doubled: so a change lasts in the reports, and its end is found as well.

    Attributes:
      floor: a smaller change does not matter, in standard deviations.
      min_rows: with fewer errors in the current span there is no verdict. The first span of all
        is compared with its own beginning.

    >>> import numpy as np
    >>> wrong = np.random.default_rng(0).random(6000) < np.repeat([0.1, 0.2], [5000, 1000])
    >>> found = ChangePoint().measure(
    ...     ErrorStream(np.arange(6000) * 1_000_000, wrong.astype(float), [0, 4000], "labelled")
    ... )
    >>> f"{found.before:.2f} {found.after:.2f} {found.since:%H:%M}", found.p_value < 1e-6
    ('0.11 0.20 01:24', True)

    References:
      M. Csörgő, L. Horváth, Limit theorems in change-point analysis, Wiley 1997; A. Aue, L.
      Horváth, Structural breaks in time series, Journal of Time Series Analysis 34, 2013.
    """

    name: ClassVar[str] = "change_point"
    floor: float = Field(default=0.1, ge=0)
    min_rows: int = Field(default=100, ge=2 * LEAST_SEGMENT)

    def measure(self, stream: ErrorStream) -> Measured:
        sizes = stream.current, len(stream.errors) - stream.current
        about = (self.name, EVERYTHING, stream.split, "reference", *sizes)
        reason = too_few(self.min_rows, sizes[0] or sizes[1], sizes[1])
        if reason:
            return Measured(*about, reason=reason)
        evened = without_daily_pattern(stream)
        errors = _without_outliers(evened.errors)
        since = [(stream.starts[each.first], each) for each in regimes(errors, stream.starts)]
        tests = [
            _Test.of(errors[start:], stream.current - start, start, regime, evened.widening)
            for start, regime in since
        ]
        found = min(tests, key=lambda test: test.p_value)
        if not found.deviation:
            return Measured(*about, reason="all errors are the same")
        raw, place = stream.errors, found.start + found.change.place
        return Measured(
            *about,
            value=abs(found.change.difference) / found.deviation,
            floor=self.floor,
            p_value=min(1.0, found.p_value * len(tests)),
            quantile=lambda level: found.quantile(level / len(tests)),
            before=float(raw[found.start : place].mean()),
            after=float(raw[place:].mean()),
            since=stream.time(place),
        )


@dataclass(frozen=True)
class _Change:
    """The split of the stream at which the means before and after differ most.

    Attributes:
      place: the first error after the change.
      difference: mean error after it minus before it.
      variance: long-run variance of a single error.
      null: of the largest difference, in standard errors.
    """

    place: int
    difference: float
    variance: float
    null: SimulatedNull


def _largest_change(errors: np.ndarray, current: int, widening: float) -> _Change:
    size = math.ceil(len(errors) / BLOCKS)
    edges = np.concatenate(
        [np.arange(current % size, current, size), np.arange(current, len(errors), size)]
    )
    if len(errors) - edges[-1] < size:
        edges = edges[:-1]
    blocks = np.add.reduceat(errors, edges) / np.diff(np.append(edges, len(errors)))
    count, first = len(blocks), int(np.searchsorted(edges, current))
    trimmed = max(math.ceil(LEAST_SEGMENT / size), math.ceil(TRIMMED * (count - first)))
    splits = np.arange(max(first, trimmed), count - trimmed + 1)
    weights = np.sqrt(count / (splits * (count - splits)))

    def largest(series: np.ndarray) -> np.ndarray:
        sums = np.cumsum(series - series.mean(axis=-1, keepdims=True), axis=-1)
        return np.abs(sums[..., splits - 1]) * weights

    split = int(splits[largest(blocks).argmax()])
    before, after = blocks[:split], blocks[split:]
    residuals = np.concatenate([before - before.mean(), after - after.mean()])
    place = int(edges[split])
    singles = np.concatenate([errors[:place] - before.mean(), errors[place:] - after.mean()])
    variance = max(long_run_variance(residuals), long_run_variance(singles) / size) * widening
    order = np.random.default_rng(0)
    simulated = order.permuted(np.tile(residuals, (SIMULATIONS, 1)), axis=1)
    null = np.sort(largest(simulated).max(axis=1)) / (residuals.std() or 1.0)
    return _Change(
        place=_refined(errors, place, size, current),
        difference=float(after.mean() - before.mean()),
        variance=variance * size,
        null=SimulatedNull(null),
    )


def _refined(errors: np.ndarray, place: int, size: int, current: int) -> int:
    """The best split among those less than a block away."""
    n = len(errors)
    places = np.arange(max(current, place - size + 1, 1), min(place + size, n - 1))
    sums = np.cumsum(errors - errors.mean())[places - 1]
    return int(places[np.argmax(np.abs(sums) * np.sqrt(n / (places * (n - places))))])


@dataclass(frozen=True)
class _Test:
    """The largest change after the errors from ``start`` on; ``error``: of its difference."""

    start: int
    change: _Change
    deviation: float
    error: float
    degrees: float

    @classmethod
    def of(
        cls, errors: np.ndarray, current: int, start: int, regime: Regime, widening: float
    ) -> _Test:
        change = _largest_change(errors, current, widening)
        deviation = math.sqrt(_variance_within(errors, change.place))
        return cls(start, change, deviation, *_standard_error(len(errors), regime, change))

    @property
    def p_value(self) -> float:
        if not self.deviation:
            return 1.0
        z = _as_normal(abs(self.change.difference) / self.error, self.degrees)
        return self.change.null.p_value(z)

    def quantile(self, level: float) -> float:
        unlikely = _as_student(self.change.null.quantile(level), self.degrees)
        return unlikely * self.error / self.deviation


def _standard_error(rows: int, regime: Regime, found: _Change) -> tuple[float, float]:
    """Standard error of the difference of means, and its degrees of freedom.

    Where at least three earlier spans differ by more than their errors' variation explains, the
    current span may differ as much from them.
    """
    sampling = found.variance * (1 / found.place + 1 / (rows - found.place))
    between = regime.variance - found.variance * regime.one_row
    if not regime.degrees or between <= 0:
        return math.sqrt(sampling), math.inf
    between *= 1 + 1 / regime.spans
    whole = sampling + between
    return math.sqrt(whole), regime.degrees * (whole / between) ** 2


def _as_normal(t: float, degrees: float) -> float:
    """The normal deviate that is as unlikely as Student's ``t``."""
    return t if math.isinf(degrees) else float(stats.norm.isf(stats.t.sf(t, degrees)))


def _as_student(z: float, degrees: float) -> float:
    return z if math.isinf(degrees) else float(stats.t.isf(stats.norm.sf(z), degrees))


def _variance_within(errors: np.ndarray, place: int) -> float:
    parts = [part for part in (errors[:place], errors[place:]) if len(part)]
    return float(sum(part.var() * len(part) for part in parts) / len(errors))


def _without_outliers(errors: np.ndarray) -> np.ndarray:
    """The ``OUTLIERS`` largest errors, or half a percent of fewer, count as the least of these;
    not where that is the usual error, as with rare errors of 1."""
    most = min(OUTLIERS, len(errors) // 200)
    if not most:
        return errors
    largest = np.partition(errors, -most)[-most]
    return np.minimum(errors, largest) if largest > np.median(errors) else errors
