"""The search: single features, then pairs, then what is left once the worst slice is known.

Chung, Kraska, Polyzotis, Tae & Whang (2019), "Automated data slicing for model validation: a big
data - AI integration approach", IEEE TKDE 32, pose the problem; intervals hold simultaneously
over what is found: Benjamini & Yekutieli (2005), "False discovery rate-adjusted multiple
confidence intervals for selected parameters", JASA 100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .candidates import Contrast, Losses, cross, false_discovery_cut
from .config import SliceSearchConfig
from .design_effects import DesignEffects
from .null_tails import Population
from .partitions import Partition


@dataclass(frozen=True)
class Found:
    """A slice whose mean loss is significantly and materially higher than in the other rows.

    Attributes:
      conditions: one, or one of each of two features.
      difference, lower, upper: mean loss inside minus outside; the interval is simultaneous.
      p_value: of the slice alone, before it is held against the number of candidates.
      excess: the share of the loss of all rows that there would not be if the slice were like the
        others.
      same: other candidates that say nothing more, most telling first.
    """

    conditions: tuple[str, ...]
    features: tuple[str, ...]
    rows: int
    mean: float
    mean_elsewhere: float
    difference: float
    lower: float
    upper: float
    p_value: float
    excess: float
    same: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Search:
    """``tests``: candidates that count as tested; ``pairs``: pairs of features searched."""

    found: tuple[Found, ...]
    tests: int
    pairs: int
    pairs_left_out: int


@dataclass(frozen=True)
class _Cross:
    """A partition, or two, and which of its conditions or pairs of them are candidates."""

    parts: tuple[Partition, ...]
    chosen: np.ndarray

    def conditions(self, place: int) -> tuple[str, ...]:
        return tuple(
            part.conditions[i] for part, i in zip(self.parts, self._indices(place), strict=True)
        )

    def holds(self, place: int) -> np.ndarray:
        held = [part.holds(i) for part, i in zip(self.parts, self._indices(place), strict=True)]
        return np.logical_and.reduce(held)

    def losses(self, losses: np.ndarray, rows: np.ndarray) -> Losses:
        """The candidates' losses among the chosen rows."""
        parts = [
            Partition(part.feature, part.cells[rows], part.conditions, part.members)
            for part in self.parts
        ]
        return cross(losses[rows], *parts)[self.chosen]

    def _indices(self, place: int) -> tuple[int, ...]:
        shape = [len(part.conditions) for part in self.parts]
        return np.unravel_index(self.chosen[place], shape)


def search_slices(
    losses: np.ndarray,
    partitions: Sequence[Partition],
    config: SliceSearchConfig,
    min_rows: int,
    groups: np.ndarray | None = None,
) -> Search:
    """Searches all rows for slices with a higher loss.

    Args:
      losses: one a row, not negative, [n].
      partitions: the features' conditions, over the same rows.
      min_rows: smaller slices, and slices with fewer other rows, are no candidates.
      groups: whose each row is, from 0, [n], where the rows of one are not independent.
    """
    population, whole = Population.of(losses), Losses.of(losses)
    singles = [_candidates(losses, (part,), min_rows) for part in partitions]
    strengths = [
        Contrast.of(tried, population, whole).scores.max(initial=0) for _, tried in singles
    ]
    pairs = sorted(
        combinations(range(len(partitions)), 2),
        key=lambda pair: -strengths[pair[0]] - strengths[pair[1]],
    )
    searched, left_out = pairs[: config.most_pairs], pairs[config.most_pairs :]
    crossed = [_candidates(losses, (partitions[i], partitions[j]), min_rows) for i, j in searched]
    tried = [pair for pair in (*singles, *crossed) if len(pair[0].chosen)]
    sizes = [len(part.conditions) for part in partitions]
    tests = sum(len(one.chosen) for one, _ in tried) + sum(sizes[i] * sizes[j] for i, j in left_out)
    found = ()
    if tried:
        found = _find(losses, groups, tried, population, whole, tests, config, min_rows)
    return Search(tuple(found), tests, len(searched), len(left_out))


def _candidates(
    losses: np.ndarray, parts: tuple[Partition, ...], min_rows: int
) -> tuple[_Cross, Losses]:
    inside = cross(losses, *parts)
    large = (inside.rows >= min_rows) & (inside.rows <= len(losses) - min_rows)
    chosen = np.flatnonzero(large)
    return _Cross(parts, chosen), inside[chosen]


def _find(
    losses: np.ndarray,
    groups: np.ndarray | None,
    tried: list[tuple[_Cross, Losses]],
    population: Population,
    whole: Losses,
    tests: int,
    config: SliceSearchConfig,
    min_rows: int,
) -> list[Found]:
    """The strongest slice, then the strongest among the rows not in it, until none is left.

    Each must be significant among all rows and, for Benjamini & Hochberg's procedure over what is
    reported, among those that the slices before it left.
    """
    crosses = [one for one, _ in tried]
    owner = np.repeat(np.arange(len(tried)), [len(one.chosen) for one in crosses])
    place = np.concatenate([np.arange(len(one.chosen)) for one in crosses])
    first = Contrast.of(Losses.concatenated([inside for _, inside in tried]), population, whole)
    cut = false_discovery_cut(first.p_values, tests, config.alpha)
    if groups is not None:  # groups only make p-values larger
        likely = np.flatnonzero(first.p_values <= cut)
        owner, place, first = owner[likely], place[likely], first[likely]
        held = (crosses[i].holds(j) for i, j in zip(owner, place, strict=True))
        first = first.in_groups(DesignEffects.of(losses, groups, held))
        cut = false_discovery_cut(first.p_values, tests, config.alpha)
    left = np.flatnonzero(_worse(first, cut, config.minimum_effect, min_rows))
    uncovered, now = np.ones(len(losses), bool), first[left]
    picked: list[int] = []
    same: list[np.ndarray] = []
    while left.size and len(picked) < config.most_findings:
        sure = now.p_values <= config.alpha * (len(picked) + 1) / tests
        if not sure.any():
            break
        best = int(np.argmax(np.where(sure, now.scores, -np.inf)))
        picked.append(int(left[best]))
        uncovered &= ~crosses[owner[left[best]]].holds(place[left[best]])
        now = _among(losses, uncovered, crosses, owner[left], place[left])
        now = now.in_groups(first[left].designs)
        still = _worse(now, cut, config.minimum_effect, min_rows)
        explained = left[~still & (left != picked[-1])]
        same.append(explained[np.argsort(-first.scores[explained], kind="stable")])
        left, now = left[still], now[still]
    chosen = first[np.array(picked, int)]
    lower, upper = chosen.intervals(config.alpha * max(len(picked), 1) / tests)
    excess = chosen.inside.rows * chosen.differences / max(float(whole.sums[0]), 1e-300)

    def conditions(candidate: int) -> tuple[str, ...]:
        return crosses[owner[candidate]].conditions(place[candidate])

    return [
        Found(
            conditions=conditions(candidate),
            features=tuple(part.feature for part in crosses[owner[candidate]].parts),
            rows=int(chosen.inside.rows[i]),
            mean=float(chosen.inside.means[i]),
            mean_elsewhere=float(chosen.outside.means[i]),
            difference=float(chosen.differences[i]),
            lower=float(lower[i]),
            upper=float(upper[i]),
            p_value=float(chosen.p_values[i]),
            excess=float(excess[i]),
            same=tuple(conditions(other) for other in same[i]),
        )
        for i, candidate in enumerate(picked)
    ]


def _worse(contrast: Contrast, cut: float, minimum_effect: float, min_rows: int) -> np.ndarray:
    enough = np.minimum(contrast.inside.rows, contrast.outside.rows) >= min_rows
    material = contrast.differences >= minimum_effect * contrast.outside.means
    return enough & material & (contrast.differences > 0) & (contrast.p_values <= cut)


def _among(
    losses: np.ndarray,
    rows: np.ndarray,
    crosses: list[_Cross],
    owner: np.ndarray,
    place: np.ndarray,
) -> Contrast:
    """The candidates (of crosses, at places) against the others among ``rows`` only."""
    parts = [
        crosses[which].losses(losses, rows)[place[owner == which]] for which in np.unique(owner)
    ]
    whole = Losses.of(losses[rows])
    if not rows.any():
        nothing = np.zeros(len(owner))
        empty = Losses(nothing.astype(int), nothing, nothing)
        return Contrast(empty, empty, nothing, nothing + 1)
    return Contrast.of(Losses.concatenated(parts), Population.of(losses[rows]), whole)
