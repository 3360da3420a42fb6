"""The largest difference of a category's share (L-infinity norm), and how large chance makes it."""

from __future__ import annotations

import numpy as np

from .nulls import LargestNull
from .span_variation import between_spans, degrees_of_freedom, times

_TOLD_APART = 64


def largest_difference(counts: np.ndarray, against: np.ndarray) -> tuple[np.ndarray, LargestNull]:
    """Largest absolute differences of shares, and their law.

    Args:
      counts: [tests, populations, cells]; current, baseline, references.
      against: what each test's baseline is, [tests].
    """
    rows = counts.sum(axis=2)
    shares = counts / np.maximum(rows, 1e-300)[:, :, None]
    values = np.abs(shares[:, 0] - shares[:, 1]).max(axis=1)
    pooled = counts[:, :2].sum(axis=1)
    kept = np.argsort(-pooled, axis=1, kind="stable")[:, :_TOLD_APART]
    cells = np.take_along_axis(pooled, kept, axis=1)
    weights = (cells > 0).astype(float)
    filled = (pooled > 0).sum(axis=1)
    weights[:, -1] += np.maximum(filled - weights.sum(axis=1), 0)
    weights[filled == 2] /= 2  # one is the other's complement
    share = cells / np.maximum(pooled.sum(axis=1), 1e-300)[:, None]
    variance = share * (1 - share)
    sampling = variance * (1 / np.maximum(rows[:, 0], 1) + 1 / np.maximum(rows[:, 1], 1))[:, None]
    known = rows[:, 2:] > 0
    spans = known.sum(axis=1)
    of_spans = np.take_along_axis(shares[:, 2:], kept[:, None, :], axis=2)
    found = between_spans(
        of_spans.transpose(1, 0, 2),
        (variance[:, None, :] / np.maximum(rows[:, 2:], 1)[:, :, None]).transpose(1, 0, 2),
        np.broadcast_to(known[:, :, None], of_spans.shape).transpose(1, 0, 2),
    )
    factor = times(against, spans)[:, None]
    between = found.between * factor
    whole = np.maximum(sampling + between, 1e-300)
    null = LargestNull(
        np.maximum(rows[:, 1], 1),
        np.maximum(rows[:, 0], 1),
        cells,
        weights,
        np.sqrt(np.where(sampling > 0, sampling / whole, 1.0)),
        degrees_of_freedom(whole, found.observed * factor, between, spans[:, None]),
        (between / whole).max(axis=1, initial=0),
    )
    return values, null
