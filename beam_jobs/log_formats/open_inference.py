"""Calls in the Open Inference Protocol (V2), as MLServer, Seldon Core and others log them.

A record is one of:
- a body, request (``inputs``) or response (``outputs``), over HTTP or over gRPC;
- such a body in a CloudEvent (Seldon's payload logger, MLServer's);
- both bodies of a call: ``{"request": {...}, "response": {...}, "time": ...}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ..log_containers.contract import Record
from ..log_values import Malformed, get, get_text, get_time, has
from .bodies import model_version, request_rows, response_scores
from .cloud_events import event_headers, is_event, read_event, record_digest, side_of
from .contract import LogFormat, Request, Response, json_object
from .grpc_bodies import http_body, is_grpc
from .payloads import load
from .tensors import parameter

TIMES = ("time", "timestamp")


class OpenInference(LogFormat):
    """Halves of a call are paired by the body's ``id``, or the event's; a record of both halves
    becomes a Request with predictions.

    A body logs no time: it is that of the event, of MLServer's ``parameters.headers``, or of a
    key ``time`` or ``timestamp`` beside it. The endpoint is the event's ``endpoint`` (MLServer's
    is the model's name), or the model's name in the body.
    """

    answered: ClassVar[bool] = True

    def parse(self, record: Record) -> Request | Response:
        logged = json_object(record)
        if "request" in logged and "specversion" not in logged:
            return self._pair(logged, record)
        if is_event(logged):
            side, request_id, time, attributes, body, digest = read_event(logged, record)
            body = _http(body)
        else:
            body = _http(logged)
            attributes = event_headers(parameter(body, "headers"))
            side = _side(body, attributes)
            request_id, time = _id(body, attributes), _time(logged, attributes)
            digest = record_digest(record)
        if side == "request":
            columns = _columns(body, attributes)
            return Request(request_id, time, self._rows(body), digest, columns)
        if request_id is None:
            raise Malformed("missing", "id")
        version = model_version(body)
        columns = {"log_model_version": version} if version else {}
        predictions = response_scores(body, self.config.prediction)
        return Response(request_id, time, predictions, digest, columns)

    def _pair(self, logged: Mapping[str, Any], record: Record) -> Request:
        request = _half(logged, "request")
        attributes = event_headers(parameter(request, "headers"))
        columns, predictions = _columns(request, attributes), None
        request_id = _id(logged, {}) or _id(request, attributes)
        rows = self._rows(request)
        if logged.get("response") is not None:
            response = _half(logged, "response")
            predictions = response_scores(response, self.config.prediction)
            if len(predictions) != len(rows):
                raise Malformed("prediction_count")
            columns = {**_columns(response, {}), **columns}
            request_id = request_id or _id(response, {})
            if version := model_version(response):
                columns["log_model_version"] = version
        time = _time(logged, attributes)
        return Request(request_id, time, rows, record_digest(record), columns, predictions)

    def _rows(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        return request_rows(body, self.config.feature_names)


def _half(logged: Mapping[str, Any], field: str) -> dict[str, Any]:
    body = get(logged, field)
    if type(body) is str:
        body = load(body.encode(errors="replace"), field)
    if type(body) is not dict:
        raise Malformed("bad_value", field)
    return _http(body)


def _http(body: dict[str, Any]) -> dict[str, Any]:
    return http_body(body) if is_grpc(body) else body


def _side(body: Mapping[str, Any], attributes: Mapping[str, Any]) -> str:
    """A request may have ``outputs`` too: those that it asks for."""
    if has(attributes, "type"):
        return side_of(attributes, "type")
    if "inputs" in body or "instances" in body:
        return "request"
    if "outputs" in body or "predictions" in body:
        return "response"
    raise Malformed("missing", "inputs")


def _id(body: Mapping[str, Any], attributes: Mapping[str, Any]) -> str | None:
    for holder, field in ((attributes, "requestid"), (body, "id"), (attributes, "id")):
        if has(holder, field):
            return get_text(holder, field)
    return None


def _time(logged: Mapping[str, Any], attributes: Mapping[str, Any]) -> int | None:
    for holder, field in ((attributes, "time"), *((logged, field) for field in TIMES)):
        if has(holder, field):
            return get_time(holder, field)
    return None


def _columns(body: Mapping[str, Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    columns = {}
    for holder, field in ((attributes, "endpoint"), (body, "model_name")):
        if has(holder, field):
            columns["log_endpoint"] = get_text(holder, field)
            break
    if version := model_version(body):
        columns["log_model_version"] = version
    return columns
