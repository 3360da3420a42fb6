"""Drift as TFDV's Anomalies tell it: its own comparators' measurements, reasons and words.

Values of ``jensen_shannon_divergence``, ``infinity_norm`` and ``normalized_abs_difference`` are
those of TFDV's comparators on the cells compared. What TFDV has no comparator for becomes a reason
without a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from tensorflow_metadata.proto.v0 import anomalies_pb2

from ...beam_jobs.reports import Comparison

_INFO = anomalies_pb2.AnomalyInfo
_MEASURED = anomalies_pb2.DriftSkewInfo.Measurement
_TFDV = {
    "jensen_shannon_divergence": (
        _MEASURED.JENSEN_SHANNON_DIVERGENCE,
        _INFO.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH,
        "approximate Jensen-Shannon divergence",
    ),
    "infinity_norm": (_MEASURED.L_INFTY, _INFO.COMPARATOR_L_INFTY_HIGH, "Linfty distance"),
    "normalized_abs_difference": (
        _MEASURED.NORMALIZED_ABSOLUTE_DIFFERENCE,
        _INFO.COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH,
        "normalized absolute difference",
    ),
}
_SIDES = {
    "training": "training and serving",
    "previous": "current and previous",
    "reference": "current and reference",
}
_OTHERS = {
    "missing_rate_difference": _INFO.FEATURE_TYPE_LOW_FRACTION_PRESENT,
    "new_values": _INFO.ENUM_TYPE_UNEXPECTED_STRING_VALUES,
}
_ROWS = "number_of_examples"


def drift_anomalies(comparisons: Iterable[Comparison]) -> anomalies_pb2.Anomalies:
    """The anomalies of one slice of one split; measurements also of what has not drifted."""
    anomalies = anomalies_pb2.Anomalies(anomaly_name_format=anomalies_pb2.Anomalies.SERIALIZED_PATH)
    for comparison in comparisons:
        if comparison.value is None:
            continue
        if comparison.distance in _TFDV:
            info = anomalies.drift_skew_info.add()
            info.path.step.append(_path(comparison))
            skew = comparison.against == "training"
            (info.skew_measurements if skew else info.drift_measurements).add(
                type=_TFDV[comparison.distance][0],
                value=comparison.value,
                threshold=comparison.threshold,
            )
        if comparison.verdict == "drift":
            _add_reason(anomalies, comparison)
    return anomalies


def _add_reason(anomalies: anomalies_pb2.Anomalies, found: Comparison) -> None:
    if found.distance == _ROWS:
        info = anomalies.dataset_anomaly_info
        fewer = found.n_current < found.n_baseline
        kind = _INFO.COMPARATOR_LOW_NUM_EXAMPLES if fewer else _INFO.COMPARATOR_HIGH_NUM_EXAMPLES
        name = "number of examples"
    else:
        info = anomalies.anomaly_info[_path(found)]
        info.path.step[:] = [_path(found)]
        words = found.distance.replace("_", " ")
        unmeasured = None, _OTHERS.get(found.distance, _INFO.UNKNOWN_TYPE), words
        _, kind, name = _TFDV.get(found.distance, unmeasured)
    sides = _SIDES[found.against]
    info.severity = _INFO.ERROR
    info.reason.add(
        type=kind,
        short_description=f"High {name} between {sides}",
        description=(
            f"The {name} between {sides} is {found.value:.6g} (up to six significant digits), "
            f"above the threshold {found.threshold:.6g}.{_largest(found)}"
        ),
    )


def _path(comparison: Comparison) -> str:
    value = comparison.aspect == "value"
    return comparison.feature if value else f"{comparison.feature} ({comparison.aspect})"


def _largest(found: Comparison) -> str:
    shares = found.distribution
    if found.distance != "infinity_norm" or shares is None:
        return ""
    moved = np.abs(np.subtract(shares.current, shares.baseline))
    return f" The feature value with maximum difference is: {shares.bins[int(moved.argmax())]}"
