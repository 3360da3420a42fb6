"""Every distance of every aspect of every feature on every slice, with its law under chance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...beam_jobs.drift_statistics.grid import Grid
from ...beam_jobs.drift_statistics.population import Aspect
from .cells import Cells, in_bins, of_categories, of_grids, of_missing
from .config import Distance, DriftConfig
from .divergence import divergence, divergence_test
from .largest_difference import largest_difference
from .new_values import new_values
from .normalized_difference import normalized_difference
from .nulls import Null
from .pairs import Pair
from .rank_tests import location, spread

_AT_ONCE = 1 << 21

Kernel = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, Null]]
_KERNELS: dict[Distance, Kernel] = {
    "jensen_shannon_divergence": divergence_test,
    "location": location,
    "spread": spread,
    "infinity_norm": largest_difference,
    "missing_rate_difference": largest_difference,
    "new_values": lambda counts, _: new_values(counts),
    "normalized_abs_difference": lambda counts, _: normalized_difference(counts),
}


@dataclass(frozen=True, eq=False)
class Subject:
    """One comparison to judge.

    Attributes:
      cells: what the distance is computed from.
      shown: what a report shows; the same cells but for ranks, which are too many.
      main: the aspect's main comparison, see ``families``.
      least: a value that the statistics' coarseness alone can have.
    """

    pair: Pair
    aspect: str
    distance: Distance
    cells: Cells
    shown: Cells
    main: bool
    least: float = 0.0


@dataclass(frozen=True, eq=False)
class Tests:
    """Subjects with their values, [tests], and the law of these under chance."""

    subjects: Sequence[Subject]
    values: np.ndarray
    null: Null
    p_values: np.ndarray = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "p_values", self.null.p_values(self.values))


def measure(pairs: Sequence[Pair], config: DriftConfig) -> Iterator[Tests]:
    """Measures all distances, many tests of alike size at once."""
    waiting: dict[tuple[Distance, int, int], list[Subject]] = defaultdict(list)
    for pair in pairs:
        for subject in _subjects(pair, config):
            populations, cells = subject.cells.counts.shape
            size = 1 << int(cells - 1).bit_length()
            key = subject.distance, populations, size
            waiting[key].append(subject)
            if len(waiting[key]) * populations * size >= _AT_ONCE:
                yield _measured(waiting.pop(key), size)
    for (_, _, size), subjects in waiting.items():
        yield _measured(subjects, size)


def _measured(subjects: list[Subject], size: int) -> Tests:
    counts = np.zeros((len(subjects), len(subjects[0].cells.counts), size))
    for row, subject in zip(counts, subjects, strict=True):
        row[:, : subject.cells.counts.shape[1]] = subject.cells.counts
    against = np.array([subject.pair.against for subject in subjects])
    values, null = _KERNELS[subjects[0].distance](counts, against)
    return Tests(subjects, values, null)


def _subjects(pair: Pair, config: DriftConfig) -> Iterator[Subject]:
    sides = pair.populations
    missing = of_missing([s.missing for s in sides], [s.rows for s in sides])
    if missing.counts[:2, 0].any() and min(s.rows for s in sides[:2]) >= config.min_rows:
        yield Subject(pair, "value", "missing_rate_difference", missing, missing, main=True)
    if min(side.present for side in sides[:2]) < config.min_rows:
        return
    present = [side.present for side in sides]
    for name in sides[0].aspects:
        if name in sides[1].aspects:
            yield from _of_aspect(pair, name, [s.aspects.get(name) for s in sides], present, config)


def _of_aspect(
    pair: Pair,
    name: str,
    aspects: Sequence[Aspect | None],
    present: Sequence[int],
    config: DriftConfig,
) -> Iterator[Subject]:
    kind = type(aspects[0])
    aspects = [each if type(each) is kind else None for each in aspects]
    if aspects[1] is None or not all(each.total or _nan(each) for each in aspects[:2]):
        return
    if kind is Grid:
        fine = of_grids(aspects, present)
        if fine.counts.shape[1] == 0:
            return
        bins = in_bins(fine, aspects, config.bins)
        if name == "length" and fine.counts.shape[1] == 1:
            return
        least = _strayed(bins) if fine.resolution else 0.0
        ranked = not fine.resolution and min(fine.counts[:2].sum(axis=1)) >= config.min_rows
        yield Subject(pair, name, "jensen_shannon_divergence", bins, bins, not ranked, least)
        if ranked:
            yield Subject(pair, name, "location", fine, bins, main=True)
            if fine.counts.shape[1] > 2:
                yield Subject(pair, name, "spread", fine, bins, main=False)
        return
    cells = of_categories(aspects, present)
    several = cells.counts.shape[1] > 2
    yield Subject(pair, name, "infinity_norm", cells, cells, main=not several)
    if config.fixed_threshold(pair.feature, "normalized_abs_difference") is not None:
        yield Subject(pair, name, "normalized_abs_difference", cells, cells, main=False)
    if several:
        yield Subject(pair, name, "jensen_shannon_divergence", cells, cells, main=True)
    if all(each.complete for each in aspects if each is not None):
        yield Subject(pair, name, "new_values", cells, cells, main=False)


def _nan(aspect: Aspect) -> float:
    return aspect.nan if isinstance(aspect, Grid) else 0


def _strayed(bins: Cells) -> float:
    """The divergence when ``resolution`` of the rows strays over the worst of the edges."""
    shares = bins.counts[1] / max(bins.counts[1].sum(), 1e-300)
    worst = 0.0
    for left in range(len(shares) - 1):
        moved = shares.copy()
        strayed = min(bins.resolution, shares[left])
        moved[left] -= strayed
        moved[left + 1] += strayed
        worst = max(worst, float(divergence(shares, moved)))
    return worst
