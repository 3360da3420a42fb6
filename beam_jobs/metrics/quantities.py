"""Row quantities: what metrics sum up over the rows of a slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.special import xlogy

# A quantity of the labels and scores of rows, with one number as parameter.
Compute = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


@dataclass(frozen=True, order=True)
class View:
    """Which label and score of a row a metric looks at.

    Attributes:
      model: name of the model whose score it is.
      class_id: that class against all others, of a multi-class classification; else -1.
    """

    model: str
    class_id: int = -1


@dataclass(frozen=True, order=True)
class Quantity:
    """One number a row.

    Attributes:
      name: of a function in ``_COMPUTED``.
      view: whose label and score.
      parameter: of the function: the decision threshold of ``decided``.
    """

    name: str
    view: View
    parameter: float = 0.0

    @property
    def is_indicator(self) -> bool:
        """Whether it is 0 or 1 in each row, so that its square is itself."""
        return self.name in _INDICATORS


@dataclass
class Rows:
    """Rows that can be evaluated, as columns.

    Attributes:
      labels: float64 [n].
      scores: model -> float64 [n], of a multi-class classification [n, classes].
      weights: float64 [n]; None where every row weighs 1.
    """

    labels: np.ndarray
    scores: Mapping[str, np.ndarray]
    weights: np.ndarray | None = None
    _known: dict[Quantity, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.labels)

    def of(self, view: View) -> tuple[np.ndarray, np.ndarray]:
        """Labels and scores of a view, float64 [n]; of all classes scores are [n, classes]."""
        scores = self.scores[view.model]
        if view.class_id < 0:
            return self.labels, scores
        return (self.labels == view.class_id).astype(float), scores[:, view.class_id]

    def quantity(self, quantity: Quantity) -> np.ndarray:
        """Float64 [n]."""
        if quantity not in self._known:
            labels, scores = self.of(quantity.view)
            compute = _COMPUTED[quantity.name]
            self._known[quantity] = compute(labels, scores, quantity.parameter)
        return self._known[quantity]


def _log_loss(labels: np.ndarray, scores: np.ndarray, _: float) -> np.ndarray:
    if ((labels == 0) | (labels == 1)).all():
        return -np.log(np.where(labels == 1, scores, 1 - scores))
    return -xlogy(labels, scores) - xlogy(1 - labels, 1 - scores)


def _logarithmic_error(labels: np.ndarray, scores: np.ndarray, _: float) -> np.ndarray:
    return (np.log(labels + 1) - np.log(scores + 1)) ** 2


def _percentage_error(labels: np.ndarray, scores: np.ndarray, _: float) -> np.ndarray:
    divisor = np.where(labels == 0, 1, labels)
    return np.where(labels == 0, 0, 100 * np.abs((labels - scores) / divisor))


def _class_log_loss(labels: np.ndarray, scores: np.ndarray, _: float) -> np.ndarray:
    own = np.take_along_axis(scores, labels.astype(np.int64)[:, None], axis=1)[:, 0]
    return np.log(scores.sum(axis=1)) - np.log(own)


def _is_highest(labels: np.ndarray, scores: np.ndarray, _: float) -> np.ndarray:
    """Of equal scores that of the lowest class counts, as in TensorFlow."""
    return (scores.argmax(axis=1) == labels).astype(float)


def _among_top(labels: np.ndarray, scores: np.ndarray, k: float) -> np.ndarray:
    """Equal scores count as one place, as in TensorFlow."""
    own = np.take_along_axis(scores, labels.astype(np.int64)[:, None], axis=1)
    return ((scores > own).sum(axis=1) < k).astype(float)


_COMPUTED: Mapping[str, Compute] = {
    "label": lambda labels, scores, _: labels,
    "score": lambda labels, scores, _: scores,
    "positive": lambda labels, scores, _: labels,
    "decided": lambda labels, scores, threshold: (scores > threshold).astype(float),
    "log_loss": _log_loss,
    "squared_error": lambda labels, scores, _: (labels - scores) ** 2,
    "absolute_error": lambda labels, scores, _: np.abs(labels - scores),
    "percentage_error": _percentage_error,
    "label_not_zero": lambda labels, scores, _: (labels != 0).astype(float),
    "logarithmic_error": _logarithmic_error,
    "class_log_loss": _class_log_loss,
    "is_highest": _is_highest,
    "among_top": _among_top,
}
_INDICATORS = frozenset({"positive", "decided", "label_not_zero", "is_highest", "among_top"})
