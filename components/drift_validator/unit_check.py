"""Numbers that come in another unit than before: cents for dollars, milliseconds for seconds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from tensorflow_metadata.proto.v0 import anomalies_pb2

from ...beam_jobs.drift_statistics.grid import Grid
from ...beam_jobs.drift_statistics.population import VALUE, FeatureStatistics, SpanStatistics
from ...beam_jobs.reports import SchemaAnomaly
from ...beam_jobs.slices import OVERALL
from .anomalies import joined
from .config import DriftConfig
from .schema_check import SchemaCheck

_FACTORS = np.array([12, 24, 60, 1024, 3600, 86400, 2**20, *(10.0**k for k in range(1, 10))])
_SHARES, _FINE = np.arange(1, 20) / 20, np.arange(0.5, 1000) / 1000
_CLOSE, _ALIKE, _DUST = np.log(1.1), 0.1, 1e-9
_LEAST_VALUES, _LEAST_ROWS = 5, 100


def with_other_units(
    check: SchemaCheck,
    splits: Mapping[str, SpanStatistics],
    baseline: SpanStatistics,
    config: DriftConfig,
) -> SchemaCheck:
    """``check`` with the features whose values are a multiple of what they were.

    The multiple, or what one is divided by, is a power of ten or another usual one (12, 24, 60,
    1024, 3600, 86400), within a tenth; and once it is taken out distributions are alike, with a
    Kolmogorov distance of at most 0.1. Real change hardly ever looks so: no model must learn from
    it.

    Args:
      splits: the span's, of which the first that has a feature tells.
    """
    found, anomalies = list(check.found), dict(check.anomalies)
    done = {config.prediction, config.label}
    for split, here in splits.items():
        for name, feature in here.overall.features.items():
            known = baseline.overall.features.get(name)
            if name in done or known is None or not feature.present:
                continue
            done.add(name)
            if factor := _factor(known, feature):
                anomaly = _anomaly(name, split, factor)
                found.append(anomaly)
                told = anomalies.get(split, anomalies_pb2.Anomalies())
                anomalies[split] = joined([told, _of_tfdv(anomaly)])
    return SchemaCheck(anomalies, found)


def _anomaly(feature: str, split: str, factor: str) -> SchemaAnomaly:
    return SchemaAnomaly(
        feature=feature,
        slice=OVERALL,
        split=split,
        kind="other_unit",
        description=(
            f"Values are {factor} what they were, and else alike: another unit? "
            f"If that is meant, begin a new baseline (tfx-vigil init)."
        ),
        severity="error",
    )


def _of_tfdv(anomaly: SchemaAnomaly) -> anomalies_pb2.Anomalies:
    told = anomalies_pb2.Anomalies()
    info = told.anomaly_info[anomaly.feature]
    info.path.step.append(anomaly.feature)
    info.severity = anomalies_pb2.AnomalyInfo.ERROR
    info.reason.add(short_description="Another unit", description=anomaly.description)
    return told


def _factor(before: FeatureStatistics, now: FeatureStatistics) -> str | None:
    grids = [feature.aspects.get(VALUE) for feature in (before, now)]
    if min(before.present, now.present) < _LEAST_ROWS:
        return None
    if not all(isinstance(grid, Grid) and len(grid.keys) >= _LEAST_VALUES for grid in grids):
        return None
    old, new = (_without_dust(grid.quantiles(_SHARES)) for grid in grids)
    told = old * new > 0
    if len(np.unique(old[told])) < _LEAST_VALUES:
        return None
    middle = float(np.median(np.log(new[told] / old[told])))
    factor = _FACTORS[np.abs(np.log(_FACTORS) - abs(middle)).argmin()]
    scaled = _without_dust(grids[1].quantiles(_FINE)) * factor ** -np.sign(middle)
    if abs(np.log(factor) - abs(middle)) <= _CLOSE and _distance(old, scaled) <= _ALIKE:
        return f"{factor:,.0f} times" if middle > 0 else f"a {factor:,.0f}th of"
    return None


def _without_dust(quantiles: np.ndarray) -> np.ndarray:
    """A bin that holds zero ends a little above it."""
    return np.where(np.abs(quantiles) < _DUST * np.abs(quantiles).max(), 0.0, quantiles)


def _distance(old: np.ndarray, scaled: np.ndarray) -> float:
    """Kolmogorov's, at quantiles ``_SHARES`` of the one and ``_FINE`` of the other."""
    below, upto = (np.searchsorted(scaled, old, side) / len(scaled) for side in ("left", "right"))
    return float(np.maximum(below - _SHARES, _SHARES - upto).max())
