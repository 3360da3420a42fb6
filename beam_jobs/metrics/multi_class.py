"""Multi-class classification: metrics of all classes, and means over one against the others."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .intervals import Bounds, Confidence
from .metric import FastMetric
from .quantities import Quantity, View
from .ratio import Ratio
from .slice_table import Needs, SliceStatistics
from .sums import Linear


def multi_class_metric(
    class_name: str, arguments: Mapping[str, Any], view: View, weighted: bool
) -> FastMetric | None:
    """The metric that Keras' class with these arguments is; None if it has no fast form."""
    arguments = {name: value for name, value in arguments.items() if name != "name"}
    if class_name == "SparseCategoricalCrossentropy" and not arguments:
        loss = Linear.of(Quantity("class_log_loss", view))
        return Ratio(loss, weighted=weighted, larger_is_better=False, range=(0, math.inf))
    if class_name == "SparseCategoricalAccuracy" and not arguments:
        hit = Linear.of(Quantity("is_highest", view))
    elif class_name == "SparseTopKCategoricalAccuracy" and not arguments.keys() - {"k"}:
        hit = Linear.of(Quantity("among_top", view, float(arguments.get("k", 5))))
    else:
        return None
    return Ratio(hit, kind="proportion", weighted=weighted, larger_is_better=True, range=(0, 1))


@dataclass(frozen=True)
class Macro:
    """The weighted mean of a metric of each class against the others: TFMA's macro average.

    Where each row counts for the class of its label alone (recall, miss rate) the classes' errors
    are independent, and its interval follows from theirs: Zou (2007), "Toward using confidence
    intervals to compare correlations", Psychological Methods 12. Otherwise it is the mean of
    theirs, which holds more often than it says: it takes the errors to go together.
    """

    parts: tuple[FastMetric, ...]
    weights: tuple[float, ...]

    @property
    def larger_is_better(self) -> bool | None:
        return self.parts[0].larger_is_better

    @property
    def depends_on_model(self) -> bool:
        return self.parts[0].depends_on_model

    @property
    def range(self) -> tuple[float, float]:
        return self.parts[0].range

    def needs(self) -> Needs:
        return _joined([part.needs() for part in self.parts])

    def values(self, known: SliceStatistics) -> np.ndarray:
        return self._mean([part.values(known) for part in self.parts])

    def defined(self, known: SliceStatistics) -> np.ndarray:
        return np.all([part.defined(known) for part in self.parts], axis=0)

    def bounds(self, known: SliceStatistics, confidence: Confidence) -> Bounds | None:
        values = [part.values(known) for part in self.parts]
        return self._mean_bounds(values, [part.bounds(known, confidence) for part in self.parts])

    def pair_needs(self, other: Macro) -> Needs:
        return _joined([a.pair_needs(b) for a, b in zip(self.parts, other.parts, strict=True)])

    def difference_bounds(
        self, other: Macro, known: SliceStatistics, confidence: Confidence
    ) -> Bounds | None:
        pairs = list(zip(self.parts, other.parts, strict=True))
        return self._mean_bounds(
            [mine.values(known) - theirs.values(known) for mine, theirs in pairs],
            [mine.difference_bounds(theirs, known, confidence) for mine, theirs in pairs],
        )

    def _mean_bounds(
        self, values: Sequence[np.ndarray], found: Sequence[Bounds | None]
    ) -> Bounds | None:
        if None in found:
            return None
        ends = [np.array(side) for side in zip(*found, strict=True)]
        if not self._one_class_a_row:
            return tuple(map(self._mean, ends))
        values = np.array(values)
        shares = np.array(self.weights)[:, None] / sum(self.weights)
        lower, upper = (np.sqrt((((end - values) * shares) ** 2).sum(axis=0)) for end in ends)
        return self._mean(values) - lower, self._mean(values) + upper

    @property
    def _one_class_a_row(self) -> bool:
        """Whether only rows of a class's label count for it."""
        return all(
            isinstance(part, Ratio)
            and {factor.name for factors, _ in part.denominator.terms for factor in factors}
            == {"positive"}
            for part in self.parts
        )

    def _mean(self, values: Sequence[np.ndarray]) -> np.ndarray:
        return np.average(values, axis=0, weights=self.weights)


def _joined(needs: Sequence[Needs]) -> Needs:
    total = Needs()
    for one in needs:
        total |= one
    return total
