"""From distances to verdicts: one threshold for each, such that few of all alarms are false."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...beam_jobs.drift_statistics.grid import Grid
from ...beam_jobs.drift_statistics.population import VALUE, SpanStatistics
from ...beam_jobs.reports import Comparison
from ...beam_jobs.slices import OVERALL
from .config import DriftConfig
from .detected import Detected
from .detectors import CORRELATION
from .families import of_detector, of_distance, weights
from .measure import Subject, Tests, measure
from .pairs import Pair, Splits, pair_up

FIXED, FLOOR, COARSE = "fixed in configuration", "practical floor", "coarse histograms"
_MOSTLY = 0.5


def judge(
    current: Splits,
    training: SpanStatistics | None,
    references: Sequence[Splits],
    config: DriftConfig,
) -> list[Comparison]:
    """The comparisons of a span with training and with earlier spans, by distances alone."""
    return verdicts(pair_up(current, training, references, config).pairs, [], config)


def verdicts(
    pairs: Sequence[Pair], detected: Sequence[Detected], config: DriftConfig
) -> list[Comparison]:
    """Every comparison's verdict.

    A value is drift where it exceeds its threshold: the larger of the practical floor and of the
    value that chance exceeds with a probability by Benjamini and Hochberg (1995) over all
    comparisons, weighted by ``families``, so that of all alarms at most a share of ``alpha``
    is expected to be false; where nothing has drifted, that is the chance of any alarm at all. A
    value below the floor counts as one that chance explains. Fixed thresholds stand for themselves.
    Of correlations, of which there are many, those that have not changed are counted and not
    returned.

    Y. Benjamini, Y. Hochberg, Controlling the false discovery rate, JRSS B 57, 1995.
    """
    tests = list(measure(pairs, config))
    limits = [_limits(each.subjects, config) for each in tests]
    chances = [_chances(*both) for both in zip(tests, limits, strict=True)]
    subjects = [subject for each in tests for subject in each.subjects]
    families = [of_distance(subject.pair.slice) for subject in subjects]
    levels = _levels(
        np.concatenate([*chances, [each.chance for each in detected]]),
        np.array([*families, *(of_detector(each.distance) for each in detected)]),
        np.array([*(subject.main for subject in subjects), *(True for _ in detected)]),
        config.alpha,
    )
    *allowed, rest = np.split(levels, np.cumsum([len(each.subjects) for each in tests]))
    comparisons = [
        comparison
        for each, own, level in zip(tests, limits, allowed, strict=True)
        for comparison in _verdicts(each, own, level, config.min_group_rows)
    ]
    found = (each.verdict(level) for each, level in zip(detected, rest.tolist(), strict=True))
    comparisons.extend(c for c in found if c.distance != CORRELATION or c.verdict != "ok")
    comparisons.extend(_too_few(pair, config) for pair in pairs if _is_small(pair, config))
    return comparisons


def _levels(
    chances: np.ndarray, families: np.ndarray, main: np.ndarray, alpha: float
) -> np.ndarray:
    """The chance that each comparison may have to be drift; ``chances``: NaN where it has none."""
    known = ~np.isnan(chances)
    levels = np.full(len(chances), alpha)
    if known.any():
        shares = weights(families[known], main[known])
        told = np.sort(np.where(chances[known] < 1, chances[known] / shares, np.inf))
        steps = alpha * np.arange(1, len(told) + 1) / len(told)
        below = np.flatnonzero(told <= steps)
        levels[known] = np.minimum(steps[below[-1] if len(below) else 0] * shares, 1)
    return levels


def _chances(tests: Tests, limits: _Limits) -> np.ndarray:
    chances = np.where(tests.values > limits.floors, tests.p_values, 1.0)
    return np.where(np.isnan(limits.fixed), chances, np.nan)


class _Limits(NamedTuple):
    """``fixed``: thresholds of the configuration, NaN where it has none."""

    floors: np.ndarray
    fixed: np.ndarray


def _limits(subjects: Sequence[Subject], config: DriftConfig) -> _Limits:
    floors = [max(getattr(config.floors, s.distance, 0.0), s.least) for s in subjects]
    fixed = [config.fixed_threshold(s.pair.feature, s.distance) for s in subjects]
    return _Limits(np.array(floors), np.array([np.nan if x is None else x for x in fixed]))


def _verdicts(
    tests: Tests, limits: _Limits, levels: np.ndarray, min_group_rows: int
) -> Iterator[Comparison]:
    floors, fixed = limits
    quantiles = np.maximum(tests.null.quantiles(levels), 0)
    for i, subject in enumerate(tests.subjects):
        pair, value = subject.pair, float(tests.values[i])
        threshold, origin = max(floors[i], quantiles[i]), FLOOR
        n, m = (side.present for side in pair.populations[1::-1])
        if subject.distance == "missing_rate_difference":
            n, m = (side.rows for side in pair.populations[1::-1])
        if quantiles[i] > floors[i]:
            spans = len(pair.populations) - 2
            few, many = sorted((n, m))
            noise = f"sampling noise at n={few:,} against {many:,}"
            usual = f"variation between {spans} reference spans"
            origin = usual if tests.null.between[i] > _MOSTLY else noise
        elif subject.least >= floors[i] > 0:
            origin = COARSE
        if not np.isnan(fixed[i]):
            threshold, origin = fixed[i], FIXED
        drift = value > threshold
        shown = pair.slice == OVERALL or drift
        yield Comparison(
            feature=pair.feature,
            aspect=subject.aspect,
            slice=pair.slice,
            against=pair.against,
            split=pair.split,
            distance=subject.distance,
            value=value,
            threshold=float(threshold),
            threshold_origin=origin,
            p_value=None if np.isnan(tests.p_values[i]) else float(min(1, tests.p_values[i])),
            n_baseline=n,
            n_current=m,
            verdict="drift" if drift else "ok",
            distribution=subject.shown.distribution(min_group_rows) if shown else None,
        )


def _is_small(pair: Pair, config: DriftConfig) -> bool:
    return min(side.present for side in pair.populations[:2]) < config.min_rows


def _too_few(pair: Pair, config: DriftConfig) -> Comparison:
    current, baseline = pair.populations[:2]
    told = current.aspects.get(VALUE) or baseline.aspects.get(VALUE)
    return Comparison(
        feature=pair.feature,
        slice=pair.slice,
        against=pair.against,
        split=pair.split,
        distance="jensen_shannon_divergence" if isinstance(told, Grid) else "infinity_norm",
        value=None,
        threshold=None,
        threshold_origin=f"fewer than {config.min_rows} rows with a value",
        p_value=None,
        n_baseline=baseline.present,
        n_current=current.present,
        verdict="not_enough_data",
    )
