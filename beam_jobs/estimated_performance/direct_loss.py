"""Direct loss estimation: the error of a regression expected of rows whose labels are unknown.

A small model learns the loss from the features and the prediction on labelled rows, and says what
loss to expect elsewhere. That holds as long as rows alike have losses alike (no concept drift).
What it gets wrong on rows that it did not learn from (cross-fitting) corrects its mean, and makes
the band: for the value that the labels will show.

The method: NannyML's documentation of DLE. Correction and band are our own, after Chernozhukov et
al. (2018), "Double/debiased machine learning", Econometrics Journal 21.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from ..tree_inputs import one_thread
from .confidence_based import CONFIDENCE, Estimate

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

_FOLDS = 5
_LEAST_ROWS = 100
_BINS = 20
_Z = float(ndtri((1 + CONFIDENCE) / 2))


@dataclass(frozen=True)
class LossModel:
    """A model of the loss for each fold, learned from the other folds.

    Attributes:
      expected: what the model that did not learn from a labelled row expects of it, [n].
      residuals: the row's loss minus that, [n].
      lowest, highest: the range of predictions seen, without the outermost 1 in 1,000 rows.
    """

    models: tuple[HistGradientBoostingRegressor, ...]
    expected: np.ndarray
    residuals: np.ndarray
    lowest: float
    highest: float

    @property
    def labelled(self) -> int:
        return len(self.residuals)

    def losses(self, inputs: np.ndarray) -> np.ndarray:
        """Losses expected of other rows by each model, [folds, m]."""
        with one_thread():
            return np.stack([model.predict(inputs) for model in self.models])


def fit_loss_model(
    inputs: np.ndarray, losses: np.ndarray, categorical: Sequence[int] = (), seed: int = 0
) -> LossModel | None:
    """Learns ``losses`` [n] from ``inputs`` [n, d], whose first column is the prediction.

    Args:
      categorical: columns of small whole numbers that stand for categories. NaN is missing.

    Returns:
      None where too few rows are labelled.
    """
    if len(losses) < _LEAST_ROWS:
        return None
    from sklearn.ensemble import HistGradientBoostingRegressor

    folds = np.random.default_rng(seed).permutation(len(losses)) % _FOLDS
    expected, models = np.empty(len(losses)), []
    for fold in range(_FOLDS):
        held_out = folds == fold
        model = HistGradientBoostingRegressor(
            learning_rate=0.1,
            max_iter=50,
            max_leaf_nodes=8,
            min_samples_leaf=20,
            early_stopping=False,
            categorical_features=list(categorical) or None,
            random_state=seed,
        )
        with one_thread():
            model.fit(inputs[~held_out], losses[~held_out])
            expected[held_out] = model.predict(inputs[held_out])
        models.append(model)
    lowest, highest = np.quantile(inputs[:, 0], [0.001, 0.999])
    return LossModel(tuple(models), expected, losses - expected, float(lowest), float(highest))


def estimate_mean_loss(
    model: LossModel, expected: np.ndarray, alike: np.ndarray | None = None
) -> Estimate:
    """The mean loss of rows with unknown labels.

    Args:
      expected: their losses by ``LossModel.losses``, [folds, m].
      alike: the labelled rows of the same slice, bool [n]; their residuals correct the mean, as
        far as they say more than chance.
    """
    folds, rows = expected.shape
    weights = _weights(model, expected.mean(axis=0))
    correction, spread, doubt = _mean(model.residuals, weights)
    if alike is not None and (alike & (weights > 0)).sum() > 1:
        own, _, of_own = _mean(model.residuals[alike], weights[alike])
        beyond_chance = max((own - correction) ** 2 - of_own, 0.0)
        share = beyond_chance / (beyond_chance + of_own) if beyond_chance else 0.0
        correction += share * (own - correction)
        doubt = (1 - share) * doubt + share * of_own
    of_models = (folds - 1) ** 2 / folds * float(expected.mean(axis=1).var(ddof=1))  # jackknife
    value = max(float(expected.mean()) + correction, 0.0)
    margin = _Z * float(np.sqrt(spread / rows + doubt + of_models))
    return Estimate(value, max(value - margin, 0.0), value + margin)


def _mean(residuals: np.ndarray, weights: np.ndarray) -> tuple[float, float, float]:
    """Weighted mean residual, variance of one residual, variance of the mean."""
    shares = weights / weights.sum()
    mean = float(shares @ residuals)
    squares = (residuals - mean) ** 2
    return mean, float(shares @ squares), float(shares**2 @ squares)


def _weights(model: LossModel, expected: np.ndarray) -> np.ndarray:
    """Weights of labelled rows, so that they have expected losses like the others'.

    What the model gets wrong, and the noise of a loss, grow with the loss.
    """
    edges = np.unique(np.quantile(model.expected, np.arange(1, _BINS) / _BINS))
    theirs = np.bincount(np.searchsorted(edges, expected), minlength=len(edges) + 1)
    places = np.searchsorted(edges, model.expected)
    ours = np.bincount(places, minlength=len(edges) + 1)
    weights = (theirs / np.maximum(ours, 1))[places]
    return weights if weights.any() else np.ones(len(places))
