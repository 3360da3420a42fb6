"""A tfma.EvalConfig that the user gives in place of our own parameters of an evaluation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format, text_format
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from .reports import CANDIDATE, IN_SERVICE, LOGGED
from .score_models import SIGNATURE

_NOT_EVALUATED = (
    "label_keys",
    "prediction_keys",
    "example_weight_keys",
    "preprocessing_function_names",
)


def read_eval_config(text: str) -> dict[str, Any]:
    """The JSON form of an EvalConfig, of its JSON or text proto.

    Raises:
      ValueError: it is neither; names the place.
    """
    if text.lstrip().startswith("{"):
        return json.loads(text)
    try:
        config = text_format.Parse(text, config_pb2.EvalConfig())
    except text_format.ParseError as error:
        raise ValueError(str(error)) from error
    return json_format.MessageToDict(config, preserving_proto_field_name=True)


def parse_eval_config(document: Mapping[str, Any]) -> config_pb2.EvalConfig:
    """The EvalConfig of its JSON form.

    Raises:
      ValueError: it is none, or asks for what an evaluation here cannot do; names the field.
    """
    try:
        config = json_format.ParseDict(document, config_pb2.EvalConfig())
    except json_format.ParseError as error:
        raise ValueError(str(error)) from error
    if problem := next(_problems(config), None):
        raise ValueError(problem)
    return config


def _problems(config: config_pb2.EvalConfig) -> Iterator[str]:
    if not any(spec.metrics for spec in config.metrics_specs):
        yield "metrics_specs: names no metric"
    specs = config.model_specs
    if not 1 <= len(specs) <= 2:
        yield f"model_specs: one, or a candidate and a baseline, not {len(specs)}"
    if len(specs) == 2 and sum(spec.is_baseline for spec in specs) != 1:
        yield "model_specs: one of two has to be the baseline (is_baseline)"
    for spec in specs:
        for field in _NOT_EVALUATED:
            if getattr(spec, field):
                yield f"model_specs.{field}: such models are not evaluated"
        if spec.signature_name not in ("", SIGNATURE):
            yield f"model_specs.signature_name: {spec.signature_name!r} is not {SIGNATURE!r}"
        if not spec.label_key:
            yield "model_specs.label_key: is missing"
    for field in ("label_key", "example_weight_key"):
        if len({getattr(spec, field) for spec in specs}) > 1:
            yield f"model_specs.{field}: differs between the models"
    if any(spec.output_names for spec in config.metrics_specs):
        yield "metrics_specs.output_names: models of several outputs are not evaluated"
    if any(spec.slice_keys_sql for spec in config.slicing_specs):
        yield "slicing_specs.slice_keys_sql: slices by SQL are not evaluated"


def parameters_of(config: config_pb2.EvalConfig) -> dict[str, Any]:
    """What it says about label, prediction, weight, slices and the rows that a slice needs, under
    the names of EvaluationConfig."""
    spec = _candidate(config)
    slices = {
        tuple(sorted({*slicing.feature_keys, *slicing.feature_values})): None
        for slicing in config.slicing_specs
    }
    found = {"label": spec.label_key, "slices": [list(features) for features in slices if features]}
    if spec.prediction_key:
        found["prediction"] = spec.prediction_key
    if spec.example_weight_key:
        found["weight"] = spec.example_weight_key
    if config.options.min_slice_size.value:
        found["min_slice_rows"] = config.options.min_slice_size.value
    return found


def query_columns(config: config_pb2.EvalConfig) -> set[str]:
    """Columns that TFMA's metrics of queries look at beside label and prediction."""
    columns = set()
    for spec in config.metrics_specs:
        if spec.query_key:
            arguments = [json.loads(metric.config or "{}") for metric in spec.metrics]
            columns |= {spec.query_key, *(given.get("gain_key") for given in arguments)}
    return columns - {None}


def logged_predictions(config: config_pb2.EvalConfig) -> dict[str, str]:
    """Model -> column of its logged prediction: of one model, or of two to be compared."""
    columns = {LOGGED: _candidate(config).prediction_key}
    if len(config.model_specs) == 2:
        (baseline,) = (spec for spec in config.model_specs if spec.is_baseline)
        columns = {CANDIDATE: columns[LOGGED], IN_SERVICE: baseline.prediction_key}
    return columns


def _candidate(config: config_pb2.EvalConfig) -> config_pb2.ModelSpec:
    return min(config.model_specs, key=lambda spec: spec.is_baseline)


def complete(
    config: config_pb2.EvalConfig, models: Mapping[str, str]
) -> tuple[config_pb2.EvalConfig, dict[str, str]]:
    """The configuration for ``models``, with TFMA's own defaults, and model names in it -> ours.

    As in TFX's Evaluator thresholds of change do not count where there is no baseline.

    Args:
      models: by our names; the one that is in service is the baseline of two.
    """
    two = len(models) == 2
    given = config_pb2.EvalConfig()
    given.CopyFrom(config)
    if two and len(given.model_specs) == 1:
        given.model_specs[0].name = ""  # TFMA ignores it, and names both
    given = config_util.update_eval_config_with_defaults(given, has_baseline=two, rubber_stamp=True)
    (candidate,) = [name for name in models if not (two and name == IN_SERVICE)]
    return given, {
        spec.name: IN_SERVICE if spec.is_baseline else candidate for spec in given.model_specs
    }


def is_rubber_stamp(given: config_pb2.EvalConfig, run: config_pb2.EvalConfig) -> bool:
    """Whether thresholds of change were given that do not count in ``run``."""
    return config_util.has_change_threshold(given) and not config_util.has_change_threshold(run)
