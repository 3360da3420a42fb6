"""A change of the mean error within the current span, with its time, size and direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import Field
from scipy import stats

from .contract import EVERYTHING, ErrorStream, Measured, StreamDetector, too_few
from .daily_pattern import without_daily_pattern
from .long_run_variance import long_run_variance
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
    other by more than that, the chance of such a difference among them is the p-value, by
    Student's t with Satterthwaite's degrees of freedom.

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
        found = _largest_change(errors, stream.current, evened.widening)
        deviation = math.sqrt(_variance_within(errors, found.place))
        if not deviation:
            return Measured(*about, reason="all errors are the same")
        tests = [found.by_sampling(), *_by_spans(stream, errors, found)]
        raw = stream.errors
        return Measured(
            *about,
            value=abs(found.difference) / deviation,
            floor=self.floor,
            p_value=max(test.p_value for test in tests),
            quantile=lambda level: max(test.quantile(level) for test in tests) / deviation,
            before=float(raw[: found.place].mean()),
            after=float(raw[found.place :].mean()),
            since=stream.time(found.place),
        )


@dataclass(frozen=True)
class _Test:
    """``quantile``: of the absolute difference of means."""

    p_value: float
    quantile: Callable[[float], float]


@dataclass(frozen=True)
class _Change:
    """A split of the stream.

    Attributes:
      place: the first error after the change.
      difference: mean error after it minus before it.
      statistic: what it is the largest of, and ``scale`` what of a difference of 1 it would be.
      variance: long-run variance of a single error.
      null: of ``statistic``.
    """

    place: int
    difference: float
    statistic: float
    scale: float
    variance: float
    null: SimulatedNull

    def by_sampling(self) -> _Test:
        return _Test(
            self.null.p_value(self.statistic),
            lambda level: self.null.quantile(level) / self.scale,
        )


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

    statistics = largest(blocks)
    split = int(splits[statistics.argmax()])
    before, after = blocks[:split], blocks[split:]
    residuals = np.concatenate([before - before.mean(), after - after.mean()])
    place = int(edges[split])
    singles = np.concatenate([errors[:place] - before.mean(), errors[place:] - after.mean()])
    variance = max(long_run_variance(residuals), long_run_variance(singles) / size) * widening
    ratio = variance / residuals.var() if variance else 1.0
    order = np.random.default_rng(0)
    simulated = order.permuted(np.tile(residuals, (SIMULATIONS, 1)), axis=1)
    null = np.sort(largest(simulated).max(axis=1)) * math.sqrt(ratio)
    return _Change(
        place=_refined(errors, place, size, current),
        difference=float(after.mean() - before.mean()),
        statistic=float(statistics.max()),
        scale=math.sqrt(split * (count - split) / count),
        variance=variance * size,
        null=SimulatedNull(null),
    )


def _refined(errors: np.ndarray, place: int, size: int, current: int) -> int:
    """The best split among those less than a block away."""
    n = len(errors)
    places = np.arange(max(current, place - size + 1, 1), min(place + size, n - 1))
    sums = np.cumsum(errors - errors.mean())[places - 1]
    return int(places[np.argmax(np.abs(sums) * np.sqrt(n / (places * (n - places))))])


def _by_spans(stream: ErrorStream, errors: np.ndarray, found: _Change) -> list[_Test]:
    """The test against the variation of whole spans, where at least three earlier ones show it."""
    spans = [
        errors[start:end]
        for start, end in zip(stream.starts, stream.starts[1:], strict=False)
        if end - start >= LEAST_SEGMENT
    ]
    if len(spans) < 3:
        return []
    sampling = found.variance * np.mean([1 / len(span) for span in spans])
    between = max(0.0, float(np.var([span.mean() for span in spans], ddof=1)) - sampling)
    if not between:
        return []
    between *= 1 + 1 / len(spans)
    after = len(errors) - found.place
    whole = between + found.variance * (1 / found.place + 1 / after)
    degrees = (len(spans) - 1) * (whole / between) ** 2
    error = math.sqrt(whole)
    return [
        _Test(
            float(2 * stats.t.sf(abs(found.difference) / error, degrees)),
            lambda level: float(stats.t.isf(level / 2, degrees)) * error,
        )
    ]


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
