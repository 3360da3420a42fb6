"""What a detector measured, ready for a verdict among all other comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ...beam_jobs.reports import Comparison, Detail
from ...beam_jobs.slices import OVERALL
from .detectors import Measured
from .span_variation import Against


@dataclass(frozen=True)
class Detected:
    """As ``detectors.contract.Measured``; ``noise`` says in a phrase what ``quantile`` knows."""

    distance: str
    feature: str
    split: str
    against: Against
    n_baseline: int
    n_current: int
    value: float | None
    floor: float
    p_value: float | None
    quantile: Callable[[float], float] | None
    threshold: float | None
    origin: str | None
    noise: str
    detail: Detail | None = None

    @property
    def chance(self) -> float:
        """For ``judge.verdicts``: NaN where it takes no part in the false discovery rate."""
        if self.value is None or self.p_value is None or self.threshold is not None:
            return math.nan
        return self.p_value if self.value > self.floor else 1.0

    def verdict(self, level: float) -> Comparison:
        threshold, origin = self.threshold, self.origin
        if self.value is not None and threshold is None:
            quantile = self.quantile(level)
            threshold, origin = max(self.floor, quantile), "practical floor"
            if quantile > self.floor:
                origin = self.noise
        told = self.value is not None
        drift = told and self.value > threshold
        return Comparison(
            feature=self.feature,
            slice=OVERALL,
            against=self.against,
            split=self.split,
            distance=self.distance,
            value=self.value,
            threshold=threshold if told else None,
            threshold_origin=origin,
            p_value=self.p_value if told else None,
            n_baseline=self.n_baseline,
            n_current=self.n_current,
            verdict="drift" if drift else "ok" if told else "not_enough_data",
            detail=self.detail,
        )


def detected(measured: Measured) -> Detected:
    few, many = sorted((measured.n_baseline, measured.n_current))
    known = measured.before is not None or measured.since is not None or measured.importance
    return Detected(
        distance=measured.detector,
        feature=measured.feature,
        split=measured.split,
        against=measured.against,
        n_baseline=measured.n_baseline,
        n_current=measured.n_current,
        value=measured.value,
        floor=measured.floor,
        p_value=measured.p_value,
        quantile=measured.quantile,
        threshold=measured.threshold,
        origin=measured.reason or measured.origin,
        noise=f"sampling noise at n={few:,} against {many:,}",
        detail=Detail(
            before=measured.before,
            after=measured.after,
            since=measured.since,
            importance=dict(measured.importance),
        )
        if known
        else None,
    )
