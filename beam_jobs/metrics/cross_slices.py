"""Differences between slices: TFMA's cross-slice metrics, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from .intervals import Bounded, Bounds, difference, ratio
from .memberships import SliceKey
from .ratio import Ratio
from .results import Measured, Results

Comparison = Callable[[Bounded, Bounded], Bounds]


def cross_slices(
    specs: Sequence[config_pb2.CrossSlicingSpec], results: Results, min_rows: int
) -> Results:
    """Of each pair (baseline slice, other slice) the former's metrics minus the latter's.

    Number i of every array is the pair ``keys[i]``; ``rows`` are those of the smaller slice.
    Without slices to compare with, the baseline is compared with all others, as in TFMA. The
    intervals take the slices for independent; where one holds the other they are wider than need
    be.

    Args:
      min_rows: smaller slices are not compared.
    """
    large = [key for key, n in zip(results.keys, results.rows, strict=True) if n >= min_rows]
    pairs = list(dict.fromkeys(pair for spec in specs for pair in _pairs(spec, large)))
    first, second = _numbers(results, pairs)
    return Results(
        keys=pairs,
        rows=np.minimum(results.rows[first], results.rows[second]),
        metrics=[_compare(m, first, second, difference) for m in results.metrics],
        changes=[_compare(m, first, second, difference) for m in results.changes],
        structured=results.structured,
    )


def ratios(results: Results, crossed: Results) -> Iterator[Measured]:
    """Of rates (proportions of rows) the baseline slice's divided by the other's, likewise."""
    first, second = _numbers(results, crossed.keys)
    with np.errstate(invalid="ignore", divide="ignore"):
        for m in results.metrics:
            if isinstance(m.planned.metric, Ratio) and m.planned.metric.kind == "proportion":
                yield _compare(m, first, second, ratio)


def _numbers(
    results: Results, pairs: Sequence[tuple[SliceKey, SliceKey]]
) -> tuple[np.ndarray, np.ndarray]:
    number = {key: i for i, key in enumerate(results.keys)}
    return tuple(np.array([number[pair[i]] for pair in pairs], int) for i in (0, 1))


def applies(spec: config_pb2.SlicingSpec) -> Callable[[SliceKey], bool]:
    """Whether a slice is one of those that ``spec`` names."""
    return slicer_lib.SingleSliceSpec(spec=spec).is_slice_applicable


def is_pair_of(spec: config_pb2.CrossSlicingSpec, pair: tuple[SliceKey, SliceKey]) -> bool:
    """Whether a pair is one of those that ``spec`` names."""
    return pair in set(_pairs(spec, pair))


def _pairs(
    spec: config_pb2.CrossSlicingSpec, keys: Sequence[SliceKey]
) -> Iterable[tuple[SliceKey, SliceKey]]:
    is_baseline = applies(spec.baseline_spec)
    named = [applies(of_slice) for of_slice in spec.slicing_specs]
    baselines = [key for key in keys if is_baseline(key)]
    if named:
        others = [key for key in keys if any(is_one(key) for is_one in named)]
    else:
        others = [key for key in keys if not is_baseline(key)]
    return ((baseline, other) for baseline in baselines for other in others if other != baseline)


def _compare(m: Measured, first: np.ndarray, second: np.ndarray, how: Comparison) -> Measured:
    one, other = _at(m, first), _at(m, second)
    values = one[0] - other[0] if how is difference else one[0] / other[0]
    defined = m.defined[first] & m.defined[second] & np.isfinite(values)
    return Measured(m.planned, m.against, values, defined, *how(one, other), m.has_intervals)


def _at(m: Measured, places: np.ndarray) -> Bounded:
    return m.values[places], m.lower[places], m.upper[places]
