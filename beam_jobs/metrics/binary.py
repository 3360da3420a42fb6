"""Binary classification: TFMA's metrics of a confusion matrix, its AUC and its cross entropy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from .auc import AUC
from .histograms import BUCKETS
from .metric import FastMetric
from .quantities import Quantity, View
from .ratio import Ratio, Total
from .sums import ONE, Linear

Arguments = Mapping[str, Any]
_HALF = 0.5


class Confusion:
    """The cells of the confusion matrix of a view at a threshold, as variables of a row."""

    def __init__(self, view: View, threshold: float):
        positive = Linear.of(Quantity("positive", view))
        decided = Linear.of(Quantity("decided", view, threshold))
        self.tp = positive * decided
        self.fp = decided - self.tp
        self.fn = positive - self.tp
        self.tn = ONE - positive - self.fp


_Share = Callable[[Confusion], tuple[Linear, Linear]]
_RATES: Mapping[str, tuple[_Share, bool | None]] = {
    "BinaryAccuracy": (lambda c: (c.tp + c.tn, ONE), True),
    "Precision": (lambda c: (c.tp, c.tp + c.fp), True),
    "PPV": (lambda c: (c.tp, c.tp + c.fp), True),
    "Recall": (lambda c: (c.tp, c.tp + c.fn), True),
    "TPR": (lambda c: (c.tp, c.tp + c.fn), True),
    "Specificity": (lambda c: (c.tn, c.tn + c.fp), True),
    "TNR": (lambda c: (c.tn, c.tn + c.fp), True),
    "FallOut": (lambda c: (c.fp, c.fp + c.tn), False),
    "FPR": (lambda c: (c.fp, c.fp + c.tn), False),
    "MissRate": (lambda c: (c.fn, c.fn + c.tp), False),
    "FNR": (lambda c: (c.fn, c.fn + c.tp), False),
    "NegativePredictiveValue": (lambda c: (c.tn, c.tn + c.fn), True),
    "NPV": (lambda c: (c.tn, c.tn + c.fn), True),
    "FalseDiscoveryRate": (lambda c: (c.fp, c.fp + c.tp), False),
    "FalseOmissionRate": (lambda c: (c.fn, c.fn + c.tn), False),
    "Prevalence": (lambda c: (c.tp + c.fn, ONE), None),
    "PredictedPositiveRate": (lambda c: (c.tp + c.fp, ONE), None),
    "ThreatScore": (lambda c: (c.tp, c.tp + c.fn + c.fp), True),
}
_COUNTS: Mapping[str, tuple[Callable[[Confusion], Linear], bool]] = {
    "TruePositives": (lambda c: c.tp, True),
    "TP": (lambda c: c.tp, True),
    "TrueNegatives": (lambda c: c.tn, True),
    "TN": (lambda c: c.tn, True),
    "FalsePositives": (lambda c: c.fp, False),
    "FP": (lambda c: c.fp, False),
    "FalseNegatives": (lambda c: c.fn, False),
    "FN": (lambda c: c.fn, False),
}


def binary_metric(
    class_name: str, arguments: Arguments, view: View, weighted: bool
) -> FastMetric | None:
    """The metric that TFMA's class with these arguments is; None if it has no fast form."""
    arguments = {name: value for name, value in arguments.items() if value is not None}
    arguments.pop("name", None)
    if class_name == "AUC":
        return _auc(arguments, view, weighted)
    if class_name == "BinaryCrossEntropy":
        if any(arguments.values()):
            return None
        return Ratio(
            Linear.of(Quantity("log_loss", view)),
            weighted=weighted,
            larger_is_better=False,
            range=(0, math.inf),
            classes=Linear.of(Quantity("positive", view)),
        )
    threshold = arguments.pop("thresholds", arguments.pop("threshold", _HALF))
    if isinstance(threshold, list | tuple) and len(threshold) == 1:
        (threshold,) = threshold
    if arguments or not isinstance(threshold, int | float) or threshold < 0:
        return None
    confusion = Confusion(view, float(threshold))
    if class_name in _RATES:
        share, better = _RATES[class_name]
        return Ratio(
            *share(confusion),
            kind="proportion",
            weighted=weighted,
            range=(0, 1),
            larger_is_better=better,
            depends_on_model=class_name != "Prevalence",
        )
    if class_name in _COUNTS:
        cell, better = _COUNTS[class_name]
        return Total(cell(confusion), weighted, better)
    return None


def _auc(arguments: Arguments, view: View, weighted: bool) -> AUC | None:
    plain = {"num_thresholds", "curve", "summation_method"}
    if (
        set(arguments) - plain
        or arguments.get("curve", "ROC").upper() != "ROC"
        or arguments.get("summation_method", "interpolation").lower() != "interpolation"
    ):
        return None
    return AUC(view, arguments.get("num_thresholds", BUCKETS), weighted)
