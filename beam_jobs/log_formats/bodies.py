"""Request and response bodies of the inference protocols: rows of features, and predictions.

V1: ``instances`` and ``predictions`` (KServe, TF Serving, Vertex AI). V2, the Open Inference
Protocol: tensors in ``inputs`` and ``outputs``; several are the columns of a table, and so is
one alone if MLServer's content type is ``pd``; otherwise one alone is a matrix, whose columns
``feature_names`` names, if it is given. Seldon's own protocol: see ``seldon_bodies``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..log_values import MAX_FLOAT, Malformed, get_text, has, prediction
from .contract import Scores
from .seldon_bodies import seldon_instances, seldon_predictions
from .tensors import parameter, tensor_rows


def request_rows(body: Mapping[str, Any], names: list[str]) -> list[dict[str, Any]]:
    """names: of the features, for instances that do not name them."""
    instances = body.get("instances")
    if type(instances) is not list:
        instances = _other_instances(body, names)
    for instance in instances:
        if type(instance) is not dict:
            return [named(x, names) for x in instances]
    return instances


def _other_instances(body: Mapping[str, Any], names: list[str]) -> list:
    if "inputs" in body:
        return _table(body, names)
    if "data" in body:
        return seldon_instances(body["data"])
    raise _no_list(body, "instances")


def named(instance: Any, names: list[str]) -> dict[str, Any]:
    """An instance as a row: an object as it is, a list or a scalar by position."""
    if type(instance) is dict:
        return instance
    values = instance if type(instance) is list else [instance]
    if len(values) != len(names):
        raise Malformed("bad_value", "feature_names")
    return dict(zip(names, values, strict=True))


def response_scores(body: Mapping[str, Any], name: str | None) -> list[Scores]:
    """name: of the output, or of the key in each prediction, that is the score."""
    predictions = body.get("predictions")
    if type(predictions) is list:
        return scores(predictions, name)
    if "outputs" in body:
        return scores(_output(body, name), None)
    if "data" in body:
        return scores(seldon_predictions(body["data"], name), name)
    raise _no_list(body, "predictions")


def scores(values: list, name: str | None) -> list[Scores]:
    return [
        x if type(x) is float and -MAX_FLOAT <= x <= MAX_FLOAT else prediction(x, name)
        for x in values
    ]


def model_version(body: Mapping[str, Any]) -> str | None:
    """None where it is not said: servers leave it out, null or empty."""
    return get_text(body, "model_version") if has(body, "model_version") else None


def _table(body: Mapping[str, Any], names: list[str]) -> list:
    content_type = parameter(body, "content_type")
    columns = {
        name: tensor_rows(tensor, "inputs", content_type)
        for name, tensor in _tensors(body, "inputs").items()
    }
    if len(columns) == 1 and names and content_type != "pd":
        (rows,) = columns.values()
        return [row if type(row) is list else [row] for row in rows]
    if len(set(map(len, columns.values()))) > 1:
        raise Malformed("bad_value", "inputs")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _output(body: Mapping[str, Any], name: str | None) -> list:
    outputs = _tensors(body, "outputs")
    if len(outputs) == 1 and name is None:
        (name,) = outputs
    if name not in outputs:
        raise Malformed("missing", "prediction")
    return tensor_rows(outputs[name], "outputs", parameter(body, "content_type"))


def _tensors(body: Mapping[str, Any], field: str) -> dict[str, dict]:
    tensors = body.get(field)
    if type(tensors) is not list:
        raise _no_list(body, field)
    if set(map(type, tensors)) != {dict}:
        raise Malformed("bad_value", field)
    by_name = {get_text(tensor, "name"): tensor for tensor in tensors}
    if len(by_name) < len(tensors):
        raise Malformed("bad_value", field)
    return by_name


def _no_list(body: Mapping[str, Any], field: str) -> Malformed:
    return Malformed("missing" if body.get(field) is None else "bad_value", field)
