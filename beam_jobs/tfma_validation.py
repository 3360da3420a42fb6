"""TFMA's file of what thresholds found, decided on intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tensorflow_model_analysis.slicer import slicer_lib

from .metrics.threshold_words import in_words
from .metrics.thresholds import Check, is_valid
from .tfma_files import write_records


def write_validation(uri: str, checks: Sequence[Check], rubber_stamp: bool) -> None:
    """Writes ``validations.tfrecord``: what a threshold found, and why it is not met.

    Args:
      rubber_stamp: thresholds of change did not count, for want of a baseline.
    """
    result = validation_result_pb2.ValidationResult(
        validation_ok=is_valid(checks),
        missing_thresholds=not checks,
        rubber_stamp=rubber_stamp,
    )
    by_slice: dict[Any, validation_result_pb2.MetricsValidationForSlice] = {}
    matching: dict[bytes, validation_result_pb2.SlicingDetails] = {}
    for check in checks:
        spec = config_pb2.SlicingSpec() if check.spec is None else check.spec
        cross = isinstance(spec, config_pb2.CrossSlicingSpec)
        if check.slice is None:
            (result.missing_cross_slices if cross else result.missing_slices).append(spec)
            continue
        field = "cross_slicing_spec" if cross else "slicing_spec"
        details = validation_result_pb2.SlicingDetails(**{field: spec})
        matching.setdefault(details.SerializeToString(), details).num_matching_slices += 1
        if check.outcome != "met":
            by_slice.setdefault(check.slice, _of_slice(check.slice)).failures.append(
                _failure(check)
            )
    result.metric_validations_per_slice.extend(by_slice.values())
    result.validation_details.slicing_details.extend(matching.values())
    write_records(f"{uri}/validations.tfrecord", [result])


def _of_slice(key: Any) -> validation_result_pb2.MetricsValidationForSlice:
    if slicer_lib.is_cross_slice_key(key):
        return validation_result_pb2.MetricsValidationForSlice(
            cross_slice_key=slicer_lib.serialize_cross_slice_key(key)
        )
    return validation_result_pb2.MetricsValidationForSlice(
        slice_key=slicer_lib.serialize_slice_key(key)
    )


def _failure(check: Check) -> validation_result_pb2.ValidationFailure:
    failure = validation_result_pb2.ValidationFailure(
        metric_key=check.key.to_proto(), message=in_words(check)
    )
    if check.value == check.value:  # not NaN
        failure.metric_value.double_value.value = check.value
    change = isinstance(check.threshold, config_pb2.GenericChangeThreshold)
    field = "change_threshold" if change else "value_threshold"
    getattr(failure.metric_threshold, field).CopyFrom(check.threshold)
    return failure
