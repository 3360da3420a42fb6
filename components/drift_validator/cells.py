"""Populations counted in the same cells: what every distance between them is computed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...beam_jobs.drift_statistics.categories import Categories, aligned, common_cells
from ...beam_jobs.drift_statistics.grid import Grid, edges, on_common_bins
from ...beam_jobs.reports import Distribution

OTHERS = "all others"
LARGEST = 20
NAN = "NaN"
_ROWS_A_BIN = 5
_SURELY = 4
_DIGITS = (4, 6, 9, 15, 17)


@dataclass(frozen=True, eq=False)
class Cells:
    """How many rows fall in which cell.

    Attributes:
      counts: [populations, cells], the span's first, then the baseline's, then the references'. Of
        a feature with several values a row as many as there are rows, for these are independent.
      name: the cells' names; None for what has none of its own.
      ordered: cells are intervals of numbers, ascending.
      largest: a report shows so many cells, the largest first, and the others as one; None: all.
      resolution: so large a share of the rows may be in a neighbouring cell in truth.
    """

    counts: np.ndarray
    name: Callable[[], Sequence[str | None]] = field(repr=False)
    ordered: bool = False
    largest: int | None = None
    resolution: float = 0.0

    def distribution(self, min_group_rows: int) -> Distribution:
        """The shares of span and baseline for a report.

        A category that one of them has, in fewer than ``min_group_rows`` rows, is not named.
        """
        sides = self.counts[:2]
        names = list(self.name())
        shares = sides / np.maximum(sides.sum(axis=1, keepdims=True), 1e-300)
        if self.largest is not None:
            few = ((sides > 0) & (sides < min_group_rows)).any(axis=0)
            places = np.flatnonzero(np.array([name is not None for name in names]) & ~few)
            order = np.argsort(-shares[:, places].sum(axis=0), kind="stable")
            places = places[order[: self.largest]]
            names, shares = [names[i] for i in places], shares[:, places]
            others = np.maximum(1 - shares.sum(axis=1), 0)
            if others.max() > 1e-9:
                names.append(OTHERS)
                shares = np.column_stack([shares, others])
        return Distribution(
            bins=names,
            baseline=shares[1].tolist(),
            current=shares[0].tolist(),
            ordered=self.ordered,
        )


def of_missing(missing: Sequence[int], rows: Sequence[int]) -> Cells:
    counts = np.array([missing, np.subtract(rows, missing)], float).T
    return Cells(counts, lambda: ("missing", "present"))


def of_categories(populations: Sequence[Categories | None], present: Sequence[int]) -> Cells:
    """By value where every one knows the count, the others by the bucket of their hash; by no
    bucket, all together, where stock statistics list only the most frequent values.

    A population without the aspect has no rows.
    """
    known = [each for each in populations if each is not None]
    comparable = all(each.comparable for each in known)
    names, counts = (common_cells if comparable else _listed_cells)(known)
    return Cells(_rows(populations, counts, present), lambda: names, largest=LARGEST)


def _listed_cells(several: Sequence[Categories]) -> tuple[np.ndarray, np.ndarray]:
    """As ``common_cells``, with one cell for all that is not named.

    What is frequent by chance in one population is listed there, and would seem to have become
    rarer elsewhere; named are values so frequent in all together that each must have listed them.
    """
    _, values, counts, known = aligned(several)
    totals = np.array([each.total for each in several])
    least = np.array([0 if each.comparable else each.counts.min() for each in several])
    expected = np.outer(totals / totals.sum(), counts.sum(axis=0))
    sure = expected >= (least + _SURELY * np.sqrt(least))[:, None]
    named = (known & sure).all(axis=0)
    counts = counts[:, named].astype(float)
    rest = totals - counts.sum(axis=1)
    return np.append(values[named], None), np.column_stack([counts, rest])


def of_grids(populations: Sequence[Grid | None], present: Sequence[int]) -> Cells:
    """In the finest bins that are common to all; NaN is left out."""
    known = [grid for grid in populations if grid is not None]
    level, keys, counts = on_common_bins(known)
    return Cells(
        _rows(populations, counts, present),
        lambda: _exact(keys, level),
        ordered=True,
        resolution=max(grid.resolution for grid in known),
    )


def in_bins(fine: Cells, grids: Sequence[Grid | None], bins: int) -> Cells:
    """The cells joined to about ``bins`` bins, at quantiles of the baseline.

    A value that is frequent enough for a bin has one for itself, so that zeros, bounds at which
    values are cut off and codes keep theirs; so have values on either side of all the baseline's.
    NaN is a bin where there is any.
    """
    baseline = fine.counts[1]
    smallest = fine.counts[:2].sum(axis=1).min()
    bins = int(max(2, min(bins, smallest // _ROWS_A_BIN)))
    total = max(baseline.sum(), 1e-300)
    shares = (np.cumsum(baseline) - baseline) / total * bins
    frequent = baseline / total * bins >= 1
    place = np.floor(shares + 1e-9)
    starts = frequent.copy()
    starts[:1] = True
    starts[1:] |= (place[1:] > place[:-1]) | frequent[:-1]
    starts = np.flatnonzero(starts)
    counts = np.add.reduceat(fine.counts, starts, axis=1)
    nan = np.array([0.0 if grid is None else grid.nan for grid in grids])
    if nan.any():
        counts = np.column_stack([counts, nan])

    def names() -> list[str]:
        level, keys, _ = on_common_bins([grid for grid in grids if grid is not None])
        told = _intervals(keys, starts, level)
        return [*told, NAN] if nan.any() else told

    return replace(fine, counts=counts, name=names)


def _rows(
    populations: Sequence[object | None], counts: np.ndarray, present: Sequence[int]
) -> np.ndarray:
    whole = np.zeros((len(populations), counts.shape[1]))
    whole[[i for i, each in enumerate(populations) if each is not None]] = counts
    totals, present = whole.sum(axis=1), np.asarray(present)
    several = totals > present
    if several.any():
        whole[several] *= (present[several] / totals[several])[:, None]
    return whole


def _exact(keys: np.ndarray, level: int) -> list[str]:
    return [f"{low:g}" for low in edges(keys, level)]


def _intervals(keys: np.ndarray, starts: np.ndarray, level: int) -> list[str]:
    """``(-inf, 2)``, ``[2, 5)``, ``5`` for a bin of that value alone, ``[9, inf)``."""
    ends = np.append(starts[1:], len(keys))
    lower = edges(keys[starts], level)
    single = (ends - starts == 1) & (level == 0)
    for digits in _DIGITS:
        texts = [f"{low:.{digits}g}" for low in lower]
        if len(set(texts)) == len(texts):
            break
    told = []
    for i, text in enumerate(texts):
        low = "(-inf" if i == 0 else f"[{text}"
        high = "inf" if i == len(texts) - 1 else texts[i + 1]
        told.append(text if single[i] else f"{low}, {high})")
    return told
