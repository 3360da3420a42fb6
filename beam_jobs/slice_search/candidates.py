"""Counts and losses of candidate slices, and whether they are worse than the other rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr, stdtrit

from .design_effects import DesignEffects
from .null_tails import Population
from .partitions import Partition


@dataclass(frozen=True)
class Losses:
    """Number, sum and sum of squares of the losses in each of [c] slices; they add up."""

    rows: np.ndarray
    sums: np.ndarray
    squares: np.ndarray

    def __getitem__(self, chosen) -> Losses:
        return Losses(self.rows[chosen], self.sums[chosen], self.squares[chosen])

    @staticmethod
    def of(losses: np.ndarray) -> Losses:
        """Those of one slice that holds all ``losses``."""
        return Losses(
            np.array([len(losses)]), np.array([losses.sum()]), np.array([(losses**2).sum()])
        )

    @staticmethod
    def concatenated(parts: list[Losses]) -> Losses:
        return Losses(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("rows", "sums", "squares")
            )
        )

    @property
    def means(self) -> np.ndarray:
        return self.sums / np.maximum(self.rows, 1)

    @property
    def variances(self) -> np.ndarray:
        """Of one loss, unbiased; 0 for fewer than two rows."""
        spread = self.squares - self.rows * self.means**2
        return np.maximum(spread, 0) / np.maximum(self.rows - 1, 1)


def cross(losses: np.ndarray, one: Partition, other: Partition | None = None) -> Losses:
    """Every condition of ``one``, or every pair of conditions of both, one after the other."""
    cells, shape = one.cells, (one.size, 1)
    left, right = one.members, np.ones((1, 1), bool)
    if other is not None:
        cells, shape = cells * other.size + other.cells, (one.size, other.size)
        right = other.members
    length = shape[0] * shape[1]

    def taken(weights: np.ndarray | None) -> np.ndarray:
        table = np.bincount(cells, weights, minlength=length).reshape(shape).astype(float)
        return (left @ table @ right.T).ravel()

    return Losses(np.rint(taken(None)).astype(np.int64), taken(losses), taken(losses**2))


@dataclass(frozen=True)
class Contrast:
    """Slices against the other rows: difference of mean losses, and how sure it is.

    ``p_values`` are two-sided, the larger of two: of a permutation of all losses, which is right
    at any size and skewness but also heeds a larger variance; and of Welch's test, which does
    not, and errs towards caution where losses are skewed to the right.
    """

    inside: Losses
    outside: Losses
    scores: np.ndarray
    p_values: np.ndarray
    designs: DesignEffects | None = None

    @classmethod
    def of(cls, inside: Losses, population: Population, whole: Losses) -> Contrast:
        outside = Losses(
            whole.rows - inside.rows, whole.sums - inside.sums, whole.squares - inside.squares
        )
        permuted = population.upper_tails(inside.rows, inside.sums)
        error, freedom = _welch(inside, outside)
        difference = inside.means - outside.means
        with np.errstate(invalid="ignore", divide="ignore"):
            welch = np.where(error > 0, stdtr(freedom, -difference / error), 0.0)
        p_values = np.minimum(2 * np.maximum(permuted, welch), 1.0)
        return cls(inside, outside, population.scores(inside.rows, inside.sums), p_values)

    def __getitem__(self, chosen) -> Contrast:
        return Contrast(
            self.inside[chosen],
            self.outside[chosen],
            self.scores[chosen],
            self.p_values[chosen],
            self.designs and self.designs[chosen],
        )

    def in_groups(self, designs: DesignEffects | None) -> Contrast:
        """The same of rows that are not independent."""
        if designs is None:
            return self
        return replace(self, p_values=designs.weakened(self.p_values), designs=designs)

    @property
    def differences(self) -> np.ndarray:
        return self.inside.means - self.outside.means

    def intervals(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Welch's interval of each difference, wrong with a chance of ``level``."""
        error, freedom = _welch(self.inside, self.outside)
        if self.designs:
            error = error * np.sqrt(self.designs.sizes)
            freedom = np.minimum(freedom, self.designs.freedom)
        margin = -stdtrit(freedom, level / 2) * error
        return self.differences - margin, self.differences + margin


def _welch(inside: Losses, outside: Losses) -> tuple[np.ndarray, np.ndarray]:
    """Standard error of the difference of means and degrees of freedom."""
    of_inside = inside.variances / np.maximum(inside.rows, 1)
    of_outside = outside.variances / np.maximum(outside.rows, 1)
    squared = of_inside + of_outside
    parts = of_inside**2 / np.maximum(inside.rows - 1, 1)
    parts = parts + of_outside**2 / np.maximum(outside.rows - 1, 1)
    freedom = np.where(parts > 0, squared**2 / np.where(parts > 0, parts, 1), 1.0)
    return np.sqrt(squared), freedom


def false_discovery_cut(p_values: np.ndarray, tests: int, alpha: float) -> float:
    """The largest p-value that is significant, 0 where none is.

    Benjamini & Hochberg (1995), "Controlling the false discovery rate", JRSS B 57.

    Args:
      tests: their number, those included whose p-values are not given since they do not matter.
    """
    ordered = np.sort(p_values)
    passing = ordered <= alpha * np.arange(1, len(ordered) + 1) / tests
    return float(ordered[passing][-1]) if passing.any() else 0.0
