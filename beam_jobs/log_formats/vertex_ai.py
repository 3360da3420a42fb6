"""Rows of Vertex AI's request-response logging table, exported as JSON Lines, Avro or Parquet.

The table is BigQuery's ``request_response_logging``: ``endpoint``, ``deployed_model_id``,
``logging_time``, ``request_id`` (NUMERIC), ``request_payload`` and ``response_payload``. The
last two are lists of JSON texts: the i-th answers the i-th. A text is an instance (a prediction)
or a whole body with ``instances`` (``predictions``). BigQuery has no null list: one without
responses is a call without an answer.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

from ..log_containers.contract import Record
from ..log_values import Malformed, get_number, get_text, get_time, sampling_weight
from .bodies import named, scores
from .contract import LogFormat, Request, json_object, json_value


class VertexAI(LogFormat):
    """The model version is the deployed model's id; a column ``sampling_rate`` is read, too."""

    def parse(self, record: Record) -> Request:
        logged = json_object(record)
        texts = _texts(logged, "request_payload")
        if not texts:
            raise Malformed("missing", "request_payload")
        requests = [_items(x, "request_payload", "instances") for x in texts]
        rows = [named(x, self.config.feature_names) for items in requests for x in items]
        answers = _texts(logged, "response_payload")
        responses = [_items(x, "response_payload", "predictions") for x in answers]
        if responses and list(map(len, responses)) != list(map(len, requests)):
            raise Malformed("prediction_count")
        predictions = scores([x for items in responses for x in items], self.config.prediction)
        return Request(
            request_id=_request_id(logged),
            time=get_time(logged, "logging_time"),
            rows=rows,
            digest=zlib.crc32(b"\n".join(texts + answers)),
            columns=_columns(logged),
            predictions=predictions if responses else None,
        )


def _texts(logged: Mapping[str, Any], field: str) -> list[bytes]:
    texts = logged.get(field) or []
    if type(texts) is not list or not set(map(type, texts)) <= {str, bytes}:
        raise Malformed("bad_value", field)
    return [x.encode(errors="replace") if type(x) is str else x for x in texts]


def _items(text: bytes, field: str, key: str) -> list:
    try:
        found = json_value(text)
    except Malformed:
        raise Malformed("bad_value", field) from None
    items = found.get(key) if type(found) is dict else None
    return items if type(items) is list else [found]


def _request_id(logged: Mapping[str, Any]) -> str:
    """A whole number loses the zeros that NUMERIC's nine decimal places may leave."""
    value = logged.get("request_id")
    if type(value) is float and math.isfinite(value):
        value = f"{value:f}"
    text = get_text({"request_id": value}, "request_id")
    whole, _, places = text.partition(".")
    return whole if whole.isdecimal() and not places.strip("0") else text


def _columns(logged: Mapping[str, Any]) -> dict[str, Any]:
    columns = {}
    for column, field in (
        ("log_endpoint", "endpoint"),
        ("log_model_version", "deployed_model_id"),
    ):
        if logged.get(field) is not None:
            columns[column] = get_text(logged, field)
    if logged.get("sampling_rate") is not None:
        weight = sampling_weight(get_number(logged, "sampling_rate"))
        if weight:
            columns["log_sampling_weight"] = weight
    return columns
