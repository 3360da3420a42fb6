"""What is said of a threshold: of which slice it is, what was found and what is missing."""

from __future__ import annotations

import math

from tensorflow_model_analysis.proto import config_pb2

from ..slices import OVERALL, slice_name
from .thresholds import Check


def slices_of(check: Check) -> str:
    """Name of the slice, or of the pair; of what was asked for where there is none."""
    if isinstance(check.spec, config_pb2.CrossSlicingSpec):
        if check.slice is None:
            others = " or ".join(map(_spec_name, check.spec.slicing_specs)) or "any other"
            return f"{_spec_name(check.spec.baseline_spec)} vs {others}"
        return " vs ".join(map(slice_name, check.slice))
    if check.slice is None:
        return _spec_name(check.spec) if check.spec else OVERALL
    return slice_name(check.slice)


def _spec_name(spec: config_pb2.SlicingSpec) -> str:
    any_value = [(feature, "any") for feature in spec.feature_keys]
    return slice_name([*any_value, *sorted(spec.feature_values.items())])


def in_words(check: Check) -> str:
    """What was found, what was asked for and how much is missing; tells no number of rows that is
    too small for the slice to be measured."""
    ends = zip(("at least", "at most"), check.limits, strict=True)
    wanted = " and ".join(f"{words} {end:.6g}" for words, end in ends if math.isfinite(end))
    lower, upper = check.interval
    found = "no value" if math.isnan(check.value) else f"{check.value:.6g}"
    if lower < upper:
        found += f" (95 % interval {lower:.6g} to {upper:.6g})"
    if check.outcome == "met":
        return f"{found}: {wanted}"
    if check.outcome == "not_met":
        return f"{found}: not {wanted}"
    needed = "" if check.rows_needed is None else f", which takes {check.rows_needed:,} rows"
    return f"{found}: cannot tell whether {wanted}{needed}"
