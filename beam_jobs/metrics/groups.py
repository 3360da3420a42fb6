"""Intervals where the rows of a group, such as a user's or a session's, are not independent.

A hash spreads groups over BUCKETS, statistics are kept for each bucket of each slice, and every
metric is computed again without each bucket: the delete-a-group jackknife, Kott (2001), "The
delete-a-group jackknife", Journal of Official Statistics 17; TFMA's jackknife with groups in place
of rows. How much wider the intervals of independent rows must be follows from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from .histograms import SparseCells, summed
from .intervals import t_quantile
from .memberships import BUCKET, BUCKETS, SliceKey, SliceSpec
from .plan import Plan
from .results import Measured, Results, confidence_levels, measure
from .slice_table import AnyHistogram, SliceStatistics


def in_buckets(slices: Sequence[SliceSpec]) -> tuple[SliceSpec, ...]:
    """The slices, and the whole, each in buckets."""
    return (
        SliceSpec((BUCKET,)),
        *(SliceSpec((BUCKET, *spec.features), spec.only) for spec in slices),
    )


def measure_groups(plan: Plan, known: SliceStatistics, min_rows: int | None) -> Results:
    """As ``measure``, of the statistics of slices ``in_buckets``."""
    parts = _Parts.of(known)
    whole = parts.without(None)
    results = measure(plan, whole, min_rows)
    again = [measure(plan, parts.without(bucket), None) for bucket in range(BUCKETS)]
    present = parts.present()
    quantile = t_quantile(confidence_levels(whole, min_rows), present - 1)
    metrics = zip(results.metrics, *(other.metrics for other in again), strict=True)
    changes = zip(results.changes, *(other.changes for other in again), strict=True)
    return replace(
        results,
        metrics=[_widened(m, others, present, quantile) for m, *others in metrics],
        changes=[_widened(m, others, present, quantile) for m, *others in changes],
    )


def _widened(
    m: Measured, others: Sequence[Measured], present: np.ndarray, quantile: np.ndarray
) -> Measured:
    """The interval as wide as the metric varies without one bucket or another, none where it is not
    defined without one.

    Args:
      present: buckets that each slice has rows in, [slices].
    """
    without = np.stack([other.values for other in others])
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = ((without - m.values) ** 2).sum(axis=0) * (present - 1) / present
        factor = 2 * quantile * np.sqrt(variance) / (m.upper - m.lower)
        told = (present > 1) & np.all([other.defined for other in others], axis=0)
        factor = np.where(told, factor, np.nan)
        lower = m.values - factor * (m.values - m.lower)
        upper = m.values + factor * (m.upper - m.values)
    lowest, highest = m.planned.metric.range
    if m.against:
        lowest, highest = lowest - highest, highest - lowest
    return replace(m, lower=np.maximum(lower, lowest), upper=np.minimum(upper, highest))


@dataclass(frozen=True)
class _Parts:
    """Statistics of each bucket of each slice; ``slices`` and ``buckets`` tell which, [parts]."""

    known: SliceStatistics
    keys: list[SliceKey]
    slices: np.ndarray
    buckets: np.ndarray

    @staticmethod
    def of(known: SliceStatistics) -> _Parts:
        numbers: dict[SliceKey, int] = {}
        slices, buckets = [], []
        for key in known.keys:
            bucket = dict(key).get(BUCKET, BUCKETS)  # the whole is there without buckets too
            of_slice = tuple(pair for pair in key if pair[0] != BUCKET)
            slices.append(numbers.setdefault(of_slice, len(numbers)))
            buckets.append(bucket)
        return _Parts(known, list(numbers), np.array(slices, int), np.array(buckets, int))

    def present(self) -> np.ndarray:
        """How many buckets each slice has rows in, [slices]."""
        return np.bincount(self.slices[self.buckets < BUCKETS], minlength=len(self.keys))

    def without(self, bucket: int | None) -> SliceStatistics:
        """The statistics of the slices over all buckets but one."""
        kept = (self.buckets < BUCKETS) & (self.buckets != bucket)
        n, slices = len(self.keys), self.slices[kept]
        return SliceStatistics(
            keys=self.keys,
            rows=np.bincount(slices, self.known.rows[kept], n).astype(np.int64),
            sums={
                wanted: np.bincount(slices, totals[kept], n)
                for wanted, totals in self.known.sums.items()
            },
            histograms={
                histogram: self._cells(histogram, cells, kept)
                for histogram, cells in self.known.histograms.items()
            },
        )

    def _cells(self, histogram: AnyHistogram, cells: SparseCells, kept: np.ndarray) -> SparseCells:
        chosen = kept[cells.slices]
        codes = self.slices[cells.slices[chosen]] * histogram.size + cells.cells[chosen]
        codes, masses = summed(codes, cells.masses[chosen])
        return SparseCells(*np.divmod(codes, histogram.size), masses)
