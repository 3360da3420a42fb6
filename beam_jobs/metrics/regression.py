"""Errors of numbers: TFMA's regression metrics, which Brier's score is one of too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from .metric import FastMetric
from .quantities import Quantity, View
from .ratio import Ratio
from .sums import ONE, Linear

_ERRORS = {
    "MeanSquaredError": "squared_error",
    "MeanAbsoluteError": "absolute_error",
    "MeanSquaredLogarithmicError": "logarithmic_error",
    "MeanAbsolutePercentageError": "percentage_error",
}


def regression_metric(
    class_name: str, arguments: Mapping[str, Any], view: View, weighted: bool, binary: bool
) -> FastMetric | None:
    """The metric that TFMA's class with these arguments is; None if it has no fast form.

    Args:
      binary: labels are 0 and 1.
    """
    if class_name not in _ERRORS or set(arguments) - {"name"}:
        return None
    counted = ONE
    if class_name == "MeanAbsolutePercentageError":
        counted = Linear.of(Quantity("label_not_zero", view))
    return Ratio(
        Linear.of(Quantity(_ERRORS[class_name], view)),
        counted,
        weighted=weighted,
        larger_is_better=False,
        range=(0, math.inf),
        classes=Linear.of(Quantity("positive", view)) if binary else None,
    )
