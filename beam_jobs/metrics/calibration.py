"""Means of labels and scores, and how they compare: TFMA's calibration metrics and counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .metric import FastMetric
from .quantities import Quantity, View
from .ratio import Ratio, Total
from .sums import Linear


def calibration_metric(
    class_name: str, arguments: Mapping[str, Any], view: View, weighted: bool, binary: bool
) -> FastMetric | None:
    """The metric that TFMA's class with these arguments is; None if it has no fast form.

    Args:
      binary: labels are 0 and 1.
    """
    if set(arguments) - {"name"}:
        return None
    label = Linear.of(Quantity("positive" if binary else "label", view))
    score = Linear.of(Quantity("score", view))
    between = (0, 1) if binary else (-math.inf, math.inf)
    if class_name == "MeanLabel":
        kind = "proportion" if binary else "ratio"
        return Ratio(label, kind=kind, weighted=weighted, depends_on_model=False, range=between)
    if class_name == "MeanPrediction":
        return Ratio(score, weighted=weighted, range=between)
    if class_name == "Calibration":
        kind = "quotient" if binary else "ratio"
        return Ratio(score, label, kind=kind, weighted=weighted)
    if class_name in ("ExampleCount", "WeightedExampleCount"):
        return Total(weighted=weighted, depends_on_model=False)
    return None
