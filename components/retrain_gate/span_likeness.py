"""How much the labelled rows of an earlier span are like those of now, from samples of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy import stats

from ...beam_jobs.density_ratio import DensityRatio
from ...beam_jobs.tree_inputs import one_thread
from ..drift_validator.detectors.columns import Column, encoded, sampled
from ..drift_validator.detectors.contract import Rows
from ..drift_validator.divergence import divergence
from .training_policy import learnable

MOST_ROWS = 4_000
LEAST_ROWS = 100
_BINS = 20
_TREES = 40
_CODES = 128
_PROBABILITY = 1e-3


@dataclass(frozen=True)
class Likeness:
    """An earlier span's sample beside this span's.

    Attributes:
      divergence: Jensen-Shannon divergence of the inputs in bits, the mean over the features;
        ``most_moved`` is the feature with the largest.
      kullback_leibler: divergence of this span's inputs from the earlier span's in bits, the mean
        over the features; each cell counts half a row more than it has (Krichevsky, Trofimov
        1981), so that a value that is new here stays finite.
      kolmogorov_smirnov: the largest distance between distribution functions of a number.
      separability: area under the ROC curve of a classifier that tells the two spans' inputs
        apart; 0.5: it cannot.
      effective_share: share of the earlier rows that count when they are weighted to have this
        span's inputs (Kish's effective sample size by the rows).
      regret: loss per row, on this span's rows, of a model learned from the earlier span, minus
        that of one learned from as many of this span's; ``regret_error``: its standard error.
      loss: of the latter.
    """

    rows: int
    divergence: float
    most_moved: str
    kullback_leibler: float
    kolmogorov_smirnov: float
    separability: float
    effective_share: float
    regret: float
    regret_error: float
    loss: float


def likeness(
    earlier: pa.Table, current: pa.Table, features: list[str], label: str
) -> Likeness | None:
    """None where a side has too few labelled rows, or no feature tells rows apart.

    The loss is the log loss where all labels are 0 and 1, and otherwise the squared error. Rows
    are weighted by ``beam_jobs.density_ratio``.

    Args:
      earlier, current: samples of rows, flat columns.
      features: empty: all columns but the label, the prediction and the log's own.
    """
    earlier, current = (_labelled(table, label) for table in (earlier, current))
    known = [name for name in current.column_names if name in earlier.column_names]
    inputs = learnable(known, features, label)
    rows = sampled(Rows(earlier, current, "labelled", "training", inputs), MOST_ROWS)
    sizes = rows.baseline.num_rows, rows.current.num_rows
    columns = encoded(rows) if min(sizes) >= LEAST_ROWS else []
    if not columns:
        return None
    side = np.repeat([0, 1], sizes)
    table = np.column_stack([np.minimum(column.values, _CODES - 1) for column in columns])
    labels = np.concatenate([_numbers(half, label) for half in (rows.baseline, rows.current)])
    counts = [_counts(column, side) for column in columns]
    moved = [float(divergence(*cells)) for cells in counts]
    with one_thread():
        separability, share = _told_apart(table, side)
        loss, regret, error = _regret(table[side == 0], table[side == 1], labels, side)
    return Likeness(
        rows=sizes[0],
        divergence=float(np.mean(moved)),
        most_moved=columns[int(np.argmax(moved))].feature,
        kullback_leibler=float(np.mean([_surplus(*cells) for cells in counts])),
        kolmogorov_smirnov=max(
            (_distance(c, side) for c in columns if c.categories is None), default=0.0
        ),
        separability=separability,
        effective_share=share,
        regret=regret,
        regret_error=error,
        loss=loss,
    )


def _labelled(table: pa.Table, label: str) -> pa.Table:
    if label not in table.column_names:
        return table.slice(0, 0)
    return table.filter(pa.array(np.isfinite(_numbers(table, label))))


def _numbers(table: pa.Table, name: str) -> np.ndarray:
    return table[name].cast(pa.float64()).to_numpy()


def _counts(column: Column, side: np.ndarray) -> list[np.ndarray]:
    """Of the earlier rows and of these, in 20 bins of equally many rows, or by category; missing
    values are a bin too."""
    if column.categories is None:
        cells = np.where(np.isnan(column.values), _BINS, np.floor(column.values * _BINS))
    else:
        cells = np.where(np.isnan(column.values), column.categories, column.values)
    cells = cells.astype(int)
    return [np.bincount(cells[side == i], minlength=cells.max() + 1) for i in (0, 1)]


def _surplus(earlier: np.ndarray, current: np.ndarray) -> float:
    """Bits a value that a code made for the earlier counts wastes on the current ones."""
    shares = [(cells + 0.5) / (cells + 0.5).sum() for cells in (current, earlier)]
    return float(stats.entropy(*shares, base=2))


def _distance(column: Column, side: np.ndarray) -> float:
    known = [column.values[(side == i) & ~np.isnan(column.values)] for i in (0, 1)]
    return float(stats.ks_2samp(*known).statistic) if all(len(k) for k in known) else 0.0


def _told_apart(table: np.ndarray, side: np.ndarray) -> tuple[float, float]:
    """The area under the curve, and the effective share of the earlier rows; out of fold."""
    from sklearn.metrics import roc_auc_score

    half = np.zeros(len(side), int)
    half[_halves(side)[1][0]] = 1
    ratio = DensityRatio.fit(table, side, half)
    weights = ratio.scaled(ratio.logits[side == 0])
    share = weights.sum() ** 2 / max(len(weights) * (weights**2).sum(), 1e-300)
    return float(roc_auc_score(side, ratio.logits)), float(share)


def _regret(
    earlier: np.ndarray, current: np.ndarray, labels: np.ndarray, side: np.ndarray
) -> tuple[float, float, float]:
    """Loss on the current rows of a model of their own, the other's regret and its error.

    Both models learn from equally many rows, and are asked about rows they did not learn from.
    """
    binary = bool(np.isin(labels, (0, 1)).all())
    y_earlier, y_current = labels[side == 0], labels[side == 1]
    own, other = np.empty(len(current)), np.empty(len(current))
    halves = list(_halves(np.zeros(len(current), int)))
    rng = np.random.default_rng(0)
    for learned, asked in halves:
        n = min(len(learned), len(earlier))
        mine = learned[rng.permutation(len(learned))[:n]]
        theirs = rng.permutation(len(earlier))[:n]
        own[asked] = _loss(current[mine], y_current[mine], current[asked], y_current[asked], binary)
        other[asked] = _loss(
            earlier[theirs], y_earlier[theirs], current[asked], y_current[asked], binary
        )
    worse = other - own
    return float(own.mean()), float(worse.mean()), float(worse.std() / np.sqrt(len(worse)))


def _loss(
    table: np.ndarray, labels: np.ndarray, asked: np.ndarray, truth: np.ndarray, binary: bool
) -> np.ndarray:
    """Of each row asked about."""
    if not binary:
        return (_regressor().fit(table, labels).predict(asked) - truth) ** 2
    if labels.min() == labels.max():
        scores = np.full(len(asked), labels[0])
    else:
        scores = _classifier().fit(table, labels).predict_proba(asked)[:, 1]
    scores = np.clip(scores, _PROBABILITY, 1 - _PROBABILITY)
    return -np.log(np.where(truth == 1, scores, 1 - scores))


def _halves(strata: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Learn from one half, ask about the other, both ways; each with equal parts of a stratum."""
    rng = np.random.default_rng(0)
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(strata == s)) for s in np.unique(strata)]
    )
    first, second = np.sort(order[::2]), np.sort(order[1::2])
    return [(first, second), (second, first)]


def _settings() -> Mapping[str, object]:
    return {"max_iter": _TREES, "max_leaf_nodes": 15, "min_samples_leaf": 20, "random_state": 0}


def _classifier():
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**_settings())


def _regressor():
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(**_settings())
