"""Scores and their labels, counted per slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..metrics.histograms import Cells
from ..metrics.memberships import SliceKey
from ..metrics.quantities import Rows, View
from ..metrics.slice_table import SliceStatistics
from .score_points import ScorePoints, bin_edges, bins, points_of_bins


@dataclass(frozen=True)
class LabelledScores:
    """A histogram of scores in the bins of ``score_points``: cell ``2 * bin`` + the label, 0 where
    it is NaN. ``threshold``: an edge of the bins."""

    view: View
    threshold: float
    width: int = 1

    @property
    def size(self) -> int:
        return 2 * (len(self._edges) - 1)

    @property
    def _edges(self) -> np.ndarray:
        return bin_edges([self.threshold])

    def cells(self, rows: Rows) -> Iterator[Cells]:
        labels, scores = rows.of(self.view)
        yield 2 * bins(scores, self._edges) + np.nan_to_num(labels).astype(np.int64), None

    def points(self, known: SliceStatistics) -> dict[SliceKey, ScorePoints]:
        """Each slice's rows."""
        edges, found = self._edges, known.histograms[self]
        bounds = np.searchsorted(found.slices, np.arange(len(known.keys) + 1))
        made = {}
        for i, key in enumerate(known.keys):
            own = slice(bounds[i], bounds[i + 1])
            counts = np.bincount(found.cells[own], found.masses[own, 0], self.size)
            negative, positive = counts.reshape(-1, 2).T
            made[key] = points_of_bins(negative + positive, positive, edges)
        return made
