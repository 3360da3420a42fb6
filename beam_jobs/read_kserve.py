"""Records of the KServe payload logger, V1 and V2 (Open Inference Protocol) bodies.

A record is what KServe's logger marshals to blob storage (kserve/pkg/logger): ``reqType``,
``id``, ``occurrenceTime``, ``bytes`` (the payload in base64), ``endpoint``, ``metadata`` and
more. A request and its response are two records that share an id.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson

from .ingest_config import IngestConfig, Window
from .log_pieces import Piece, Request, Response
from .log_values import (
    Malformed,
    features,
    get,
    get_text,
    get_time,
    kinds_of,
    prediction,
    tensor_rows,
)

MODEL_VERSION_HEADER = "x-model-version"


class ParseKServe:
    """One record to (request id, piece), or None when the window does not reach it.

    The model version is, in this order: ``model_version`` of the response's body (V2 has it),
    the logged header ``X-Model-Version`` (KServe's ``metadata_headers``) of the response or of
    the request, the endpoint. KServe leaves the endpoint empty when there is but one:
    ``default``.
    """

    def __init__(self, config: IngestConfig, window: Window):
        self._window = window
        self._declared = config.features or {}
        self._names = config.feature_names
        self._prediction = config.prediction

    def __call__(
        self, record: Mapping[str, Any], file: str, offset: int, counts: Counter, kinds: set
    ) -> tuple[str, Piece] | None:
        """Raises Malformed, and then has left ``counts`` and ``kinds`` alone."""
        request_id = get_text(record, "id")
        time = get_time(record, "occurrenceTime")
        side = get_text(record, "reqType")
        body, version = _body(record), _header(record)
        if side.endswith("request"):
            columns = {"log_endpoint": record.get("endpoint") or "default"}
            if type(columns["log_endpoint"]) is not str:
                raise Malformed("bad_value", "endpoint")
            if version:
                columns["log_model_version"] = version
            rows = [features(self._named(x), self._declared) for x in self._instances(body)]
            kinds |= kinds_of(rows, self._declared)
            counts["rows"] += len(rows)
            if self._window.reaches_request(time):
                return request_id, Request(time, file, offset, 0, rows, columns)
            counts["rows_outside_window"] += len(rows)
        elif side.endswith("response"):
            scores = [prediction(x, self._prediction) for x in self._outputs(body)]
            if body.get("model_version") is not None:
                version = get_text(body, "model_version")
            if self._window.reaches_response(time):
                return request_id, Response(time, file, offset, scores, version)
        else:
            raise Malformed("bad_value", "reqType")
        return None

    def _instances(self, body: Mapping[str, Any]) -> list:
        if "inputs" not in body:
            return _list(body, "instances")
        columns = {get_text(x, "name"): tensor_rows(x, "inputs") for x in _tensors(body, "inputs")}
        if len(columns) == 1 and self._names:
            return next(iter(columns.values()))
        if len({len(rows) for rows in columns.values()}) > 1:
            raise Malformed("bad_value", "inputs")
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _named(self, instance: Any) -> dict:
        if type(instance) is dict:
            return instance
        values = instance if type(instance) is list else [instance]
        if len(values) != len(self._names):
            raise Malformed("bad_value", "feature_names")
        return dict(zip(self._names, values, strict=True))

    def _outputs(self, body: Mapping[str, Any]) -> list:
        if "outputs" not in body:
            return _list(body, "predictions")
        outputs = {get_text(x, "name"): x for x in _tensors(body, "outputs")}
        name = self._prediction
        if len(outputs) == 1 and name is None:
            (name,) = outputs
        if name not in outputs:
            raise Malformed("missing", "prediction")
        return tensor_rows(outputs[name], "outputs")


def _body(record: Mapping[str, Any]) -> dict:
    try:
        body = orjson.loads(base64.b64decode(get(record, "bytes"), validate=True))
    except (ValueError, TypeError):
        body = None
    if type(body) is not dict:
        raise Malformed("bad_value", "bytes")
    return body


def _header(record: Mapping[str, Any]) -> str | None:
    metadata = record.get("metadata")
    for name, values in metadata.items() if type(metadata) is dict else ():
        if name.lower() == MODEL_VERSION_HEADER:
            value = values[0] if type(values) is list and values else values
            return value if type(value) is str and value else None
    return None


def _list(body: Mapping[str, Any], field: str) -> list:
    value = get(body, field)
    if type(value) is not list:
        raise Malformed("bad_value", field)
    return value


def _tensors(body: Mapping[str, Any], field: str) -> list[dict]:
    tensors = _list(body, field)
    if not tensors or any(type(tensor) is not dict for tensor in tensors):
        raise Malformed("bad_value", field)
    return tensors
