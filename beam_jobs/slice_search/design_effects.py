"""How much less rows tell whose losses go together, such as those of one user.

Kish (1965), "Survey sampling": the variance of a difference of means, groups being drawn in place
of rows, over what it were with rows. Tests are weakened by its root: Rao & Scott (1984), "On
chi-squared tests for multiway contingency tables with cell proportions estimated from survey
data", Annals of Statistics 12.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri, stdtr

_LEAST = 1e-300


@dataclass(frozen=True)
class DesignEffects:
    """Of [c] slices against the other rows.

    Attributes:
      sizes: at least 1.
      freedom: one less than the groups on the side that has fewer.
    """

    sizes: np.ndarray
    freedom: np.ndarray

    @staticmethod
    def of(losses: np.ndarray, groups: np.ndarray, slices: Iterable[np.ndarray]) -> DesignEffects:
        """Args:
        losses: one a row, [n]; ``groups``: whose the row is, from 0, [n].
        slices: which rows each holds, bool [n].
        """
        found = [_effect(losses, groups, inside) for inside in slices]
        sizes, freedom = np.array(found, float).reshape(-1, 2).T
        return DesignEffects(sizes, freedom)

    def __getitem__(self, chosen) -> DesignEffects:
        return DesignEffects(self.sizes[chosen], self.freedom[chosen])

    def weakened(self, p_values: np.ndarray) -> np.ndarray:
        """Two-sided p-values of independent rows, as they are for rows in groups."""
        scores = -ndtri(np.maximum(p_values, _LEAST) / 2)
        weak = 2 * stdtr(np.maximum(self.freedom, 1), -scores / np.sqrt(self.sizes))
        return np.where(self.freedom > 0, np.maximum(weak, p_values), 1.0)


def _effect(losses: np.ndarray, groups: np.ndarray, inside: np.ndarray) -> tuple[float, int]:
    """Size and degrees of freedom; without any where a side is all of one group."""
    influence, fewest, by_group = np.zeros(len(losses)), len(losses), 0.0
    for side, sign in ((inside, 1), (~inside, -1)):
        of_side = losses[side]
        number = np.count_nonzero(np.bincount(groups[side]))
        fewest = min(fewest, number)
        influence[side] = sign * (of_side - of_side.mean()) / len(of_side)
        sums = np.bincount(groups[side], influence[side], minlength=groups.max() + 1)
        by_group = by_group + sums * np.sqrt(number / max(number - 1, 1))
    independent = (influence**2).sum()
    size = (by_group**2).sum() / independent if independent > 0 else 1.0
    return max(float(size), 1.0), fewest - 1
