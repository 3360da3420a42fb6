"""How much likelier a row is among the current rows than among earlier ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingClassifier

_MOST = 10.0


@dataclass(frozen=True)
class DensityRatio:
    """The odds of "now" by classifiers of "earlier or now", the same number of rows on each side.

    Each of two classifiers learned from one half of the rows and answers for the other half. Their
    logits are scaled on the rows that they have not learned from (Platt 1999).

    Attributes:
      classifiers: the first learned from half 1 and answers for half 0, the second the other way.
      slope, intercept: of the scaling.
      logits: of the rows learned from, before scaling, [n].

    Reference: Bickel, Brückner, Scheffer, "Discriminative learning under covariate shift", JMLR
    10, 2009.
    """

    classifiers: tuple[HistGradientBoostingClassifier, HistGradientBoostingClassifier]
    slope: float
    intercept: float
    logits: np.ndarray

    @staticmethod
    def fit(
        table: np.ndarray, side: np.ndarray, half: np.ndarray, categorical: Sequence[int] = ()
    ) -> DensityRatio:
        """Learns from ``table`` [n, d], NaN is missing; ``side`` 0 is earlier, 1 is now, [n].

        Args:
          half: 0 or 1, [n]; each half has rows of both sides.
          categorical: columns of small whole numbers that stand for categories.
        """
        from sklearn.linear_model import LogisticRegression

        classifiers = tuple(
            _classifier(categorical).fit(table[half == other], side[half == other])
            for other in (1, 0)
        )
        logits = _logits(classifiers, table, half)
        scaling = LogisticRegression(class_weight="balanced").fit(logits[:, None], side)
        return DensityRatio(
            classifiers, float(scaling.coef_[0, 0]), float(scaling.intercept_[0]), logits
        )

    def of(self, table: np.ndarray, half: np.ndarray) -> np.ndarray:
        """Of rows ``table`` [m, d] in halves ``half`` [m]; at most 10, [m]."""
        return self.scaled(_logits(self.classifiers, table, half))

    def scaled(self, logits: np.ndarray) -> np.ndarray:
        """The ratios that logits stand for."""
        return np.exp(np.minimum(self.slope * logits + self.intercept, np.log(_MOST)))


def _logits(
    classifiers: Sequence[HistGradientBoostingClassifier], table: np.ndarray, half: np.ndarray
) -> np.ndarray:
    logits = np.empty(len(half))
    for i, classifier in enumerate(classifiers):
        if (half == i).any():
            logits[half == i] = classifier.decision_function(table[half == i])
    return logits


def _classifier(categorical: Sequence[int]) -> HistGradientBoostingClassifier:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=40,
        max_leaf_nodes=15,
        min_samples_leaf=20,
        early_stopping=False,
        categorical_features=list(categorical) or None,
        random_state=0,
    )
