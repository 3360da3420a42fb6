"""Scores of a binary classification in narrow bins, with the labels where they are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logit

from ..evaluation_rows import EPSILON

_A_LOGIT = 32
_FURTHEST = float(-logit(EPSILON))


@dataclass(frozen=True)
class ScorePoints:
    """Rows at [k] scores, in rising order; points of two parts of the rows can be put together.

    Attributes:
      logits: the scores' logits.
      positives: how many of the rows have label 1; None where labels are unknown.
    """

    logits: np.ndarray
    rows: np.ndarray
    positives: np.ndarray | None = None

    @property
    def total(self) -> float:
        return float(self.rows.sum())

    @staticmethod
    def merged(parts: Sequence[ScorePoints]) -> ScorePoints:
        """All parts, of which each knows its labels."""
        logits = np.concatenate([part.logits for part in parts])
        order = np.argsort(logits, kind="stable")
        rows = np.concatenate([part.rows for part in parts])
        positives = np.concatenate([part.positives for part in parts])
        return ScorePoints(logits[order], rows[order], positives[order])

    def coarsened(self, min_rows: float, most: int) -> ScorePoints:
        """Neighbouring points put together so that each has ``min_rows`` and at most ``most``
        are left; the last may fall short only where there is no other."""
        least = max(min_rows, self.total / most)
        ends = np.flatnonzero(_full(self.rows, least))
        if not len(ends):
            ends = np.array([len(self.rows) - 1])
        ends[-1] = len(self.rows) - 1
        starts = np.concatenate([[0], ends[:-1] + 1])
        rows = np.add.reduceat(self.rows, starts)
        logits = np.add.reduceat(self.logits * self.rows, starts) / rows
        positives = None if self.positives is None else np.add.reduceat(self.positives, starts)
        return ScorePoints(logits, rows, positives)


def _full(rows: np.ndarray, least: float) -> np.ndarray:
    """Where groups of neighbours end that hold ``least`` rows."""
    full, held = np.zeros(len(rows), bool), 0.0
    for place, n in enumerate(rows.tolist()):
        held += n
        if held >= least:
            full[place], held = True, 0.0
    return full


def bin_edges(thresholds: Sequence[float] = ()) -> np.ndarray:
    """Edges of bins that are equally wide in the logit, and at every decision threshold."""
    furthest = np.ceil(_FURTHEST * _A_LOGIT) / _A_LOGIT
    even = np.arange(-furthest * _A_LOGIT, furthest * _A_LOGIT + 1) / _A_LOGIT
    inner = [logit(threshold) for threshold in thresholds if 0 < threshold < 1]
    return np.unique(np.concatenate([even, inner]))


def bins(scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each score in [EPSILON, 1 - EPSILON]; a score on an edge is in the lower bin."""
    return np.searchsorted(edges, logit(scores), "left") - 1


def points_of(scores: np.ndarray, labels: np.ndarray | None, edges: np.ndarray) -> ScorePoints:
    """The points of rows with ``scores`` [n] and ``labels`` [n]."""
    places = bins(scores, edges)
    rows = np.bincount(places, minlength=len(edges) - 1)
    positives = None if labels is None else np.bincount(places, labels, len(edges) - 1)
    return points_of_bins(rows, positives, edges)


def points_of_bins(
    rows: np.ndarray, positives: np.ndarray | None, edges: np.ndarray
) -> ScorePoints:
    """The points of counts by bin, each at its bin's middle."""
    filled = np.flatnonzero(rows)
    middles = (edges[:-1] + edges[1:]) / 2
    return ScorePoints(
        middles[filled],
        rows[filled].astype(float),
        None if positives is None else positives[filled].astype(float),
    )
