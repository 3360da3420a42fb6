"""Whether a classifier can tell the current rows from the earlier ones, and by which features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from pydantic import Field
from scipy import stats

from ....beam_jobs.tree_inputs import one_thread
from .columns import Column, encoded, sampled
from .contract import EVERYTHING, Measured, Rows, RowsDetector, too_few

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

BINS = 128
TREES = 40
EXPLAINED_BELOW = 0.01
EXPLAINED_ROWS = 2_000


class DomainClassifier(RowsDetector):
    """Multivariate drift: the area under the ROC curve of a classifier of "earlier or now".

    Gradient-boosted trees learn on one half of all rows to tell both sides apart and are asked
    about the other half, both ways round. The value is by how much the mean of both areas exceeds
    1/2. Each is a Mann-Whitney statistic on rows that its trees have not seen, so that its null
    distribution does not depend on how well they learned; the mean of both varies at most as
    much as one of them, and is taken to vary as much (a classifier two-sample test, Lopez-Paz and
    Oquab 2017).

    ``importance``: how much of the area is lost when that feature's values are shuffled.

    Attributes:
      floor: an area closer to 1/2 does not matter; 0.05 is a shift of one feature by 0.18
        standard deviations.
      max_rows: of each side, at most.
      min_rows: with fewer rows a side there is no verdict.

    >>> import numpy as np, pyarrow as pa
    >>> x, y = np.random.default_rng(0).normal(size=(2, 2000))
    >>> before, now = pa.table({"x": x, "y": x + y}), pa.table({"x": x, "y": y - x})
    >>> [found] = DomainClassifier().measure(Rows(before, now, "serving", "training", ["x", "y"]))
    >>> found.value > 0.2, found.p_value < 1e-9, sorted(found.importance)
    (True, True, ['x', 'y'])

    References:
      D. Lopez-Paz, M. Oquab, Revisiting classifier two-sample tests, ICLR 2017; S. Rabanser,
      S. Günnemann, Z. Lipton, Failing loudly, NeurIPS 2019.
    """

    name: ClassVar[str] = "domain_classifier"
    floor: float = Field(default=0.05, ge=0, le=0.5)
    max_rows: int = Field(default=10_000, ge=100)
    min_rows: int = Field(default=100, ge=20)

    def measure(self, rows: Rows) -> list[Measured]:
        rows = sampled(rows, self.max_rows)
        sizes = rows.baseline.num_rows, rows.current.num_rows
        columns = encoded(rows)
        reason = too_few(self.min_rows, *sizes) or (
            None if columns else "no column that tells rows apart"
        )
        about = (self.name, EVERYTHING, rows.split, rows.against, *sizes)
        if reason:
            return [Measured(*about, reason=reason)]
        with one_thread():
            value, error, importance = _told_apart(columns, *sizes)
        return [
            Measured(
                *about,
                value=max(0.0, value),
                floor=self.floor,
                p_value=_p_value(value, error),
                quantile=lambda level: float(stats.norm.isf(level)) * error,
                importance=importance,
            )
        ]


def _told_apart(
    columns: Sequence[Column], baseline: int, current: int
) -> tuple[float, float, dict[str, float]]:
    """The mean area minus 1/2, its standard error, and each feature's importance."""
    halves = _halves(columns, baseline, current)
    models = [_trained(columns, *half) for half in halves]
    asked = [(models[0], *halves[1]), (models[1], *halves[0])]
    areas, errors = zip(*(_area(*of_half) for of_half in asked), strict=True)
    value, error = float(np.mean(areas) - 0.5), float(np.mean(errors))
    unlikely = _p_value(value, error) < EXPLAINED_BELOW
    return value, error, _importance(columns, *asked[0]) if unlikely else {}


def _p_value(value: float, error: float) -> float:
    return float(stats.norm.sf(value / error)) if error else 1.0


def _halves(
    columns: Sequence[Column], baseline: int, current: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Values and side (0 or 1) of each row, of two halves with equally many rows of each side."""
    table = np.column_stack([np.minimum(column.values, BINS - 1) for column in columns])
    side = np.repeat([0, 1], [baseline, current])
    rng = np.random.default_rng(0)
    order = np.concatenate([rng.permutation(baseline), baseline + rng.permutation(current)])
    return [(table[order[start::2]], side[order[start::2]]) for start in (0, 1)]


def _trained(
    columns: Sequence[Column], values: np.ndarray, side: np.ndarray
) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    categories = [i for i, column in enumerate(columns) if column.categories is not None]
    return HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=15,
        learning_rate=0.15,
        min_samples_leaf=20,
        max_bins=BINS,
        early_stopping=False,
        categorical_features=categories,
        class_weight="balanced",
        random_state=0,
    ).fit(values, side)


def _area(
    model: HistGradientBoostingClassifier, values: np.ndarray, side: np.ndarray
) -> tuple[float, float]:
    """The area under the ROC curve, and its standard error where scores tell nothing."""
    ranks = stats.rankdata(model.decision_function(values))
    n, m = int((side == 0).sum()), int(side.sum())
    area = (ranks[side == 1].sum() - m * (m + 1) / 2) / (n * m)
    return float(area), float(np.sqrt(ranks.var(ddof=1) / (n * m * (n + m))))


def _importance(
    columns: Sequence[Column],
    model: HistGradientBoostingClassifier,
    values: np.ndarray,
    side: np.ndarray,
) -> dict[str, float]:
    """The area lost by each feature that any is lost by, on ``EXPLAINED_ROWS`` rows a side."""
    kept = np.concatenate([np.flatnonzero(side == s)[:EXPLAINED_ROWS] for s in (0, 1)])
    values, side = values[kept], side[kept]
    whole, error = _area(model, values, side)
    order = np.random.default_rng(0).permutation(len(side))
    lost = {}
    for feature in dict.fromkeys(column.feature for column in columns):
        places = [i for i, column in enumerate(columns) if column.feature == feature]
        shuffled = values.copy()
        shuffled[:, places] = values[order][:, places]
        lost[feature] = whole - _area(model, shuffled, side)[0]
    ranked = sorted(lost.items(), key=lambda item: (-item[1], item[0]))
    return {feature: area for feature, area in ranked if area > error}
