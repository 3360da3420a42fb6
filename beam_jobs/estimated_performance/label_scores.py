"""Scores with and without labels, counted per slice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..metrics.histograms import Cells
from ..metrics.memberships import SliceKey
from ..metrics.quantities import Rows, View
from ..metrics.slice_table import SliceStatistics
from .score_points import ScorePoints, bin_edges, bins, points_of_bins

_STATES = 3
_UNLABELLED = 2


@dataclass(frozen=True)
class LabelledScores:
    """A histogram of scores in the bins of ``score_points``: cell ``3 * bin`` + the label, or + 2
    where it is NaN. ``threshold``: an edge of the bins."""

    view: View
    threshold: float
    width: int = 1

    @property
    def size(self) -> int:
        return _STATES * len(self._edges)

    @property
    def _edges(self) -> np.ndarray:
        return bin_edges([self.threshold])

    def cells(self, rows: Rows) -> Iterator[Cells]:
        labels, scores = rows.of(self.view)
        states = np.where(np.isnan(labels), _UNLABELLED, labels).astype(np.int64)
        yield _STATES * bins(scores, self._edges) + states, None

    def points(self, known: SliceStatistics) -> dict[SliceKey, tuple[ScorePoints, ScorePoints]]:
        """Each slice's rows with a label and its rows without."""
        edges, found = self._edges, known.histograms[self]
        bounds = np.searchsorted(found.slices, np.arange(len(known.keys) + 1))
        made = {}
        for i, key in enumerate(known.keys):
            own = slice(bounds[i], bounds[i + 1])
            counts = np.bincount(found.cells[own], found.masses[own, 0], self.size)
            negative, positive, unlabelled = counts.reshape(-1, _STATES)[:-1].T
            made[key] = (
                points_of_bins(negative + positive, positive, edges),
                points_of_bins(unlabelled, None, edges),
            )
        return made
