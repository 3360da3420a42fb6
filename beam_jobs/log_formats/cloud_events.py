"""CloudEvents of inference loggers, as JSON: KServe's, Seldon's and MLServer's.

Structured mode is the CloudEvents JSON format (``data``, or ``data_base64``). Binary mode is
what a sink dumps of the HTTP message: ``{"headers": {"ce-id": ..., ...}, "body": ...}`` with
the body as JSON, as text or in base64; ``data`` may stand for ``body``.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from ..log_containers.contract import Record
from ..log_values import Malformed, get_text, get_time, has
from .payloads import from_base64, load

PREFIXES = ("ce-", "ce_")


class Event(NamedTuple):
    """side: ``request`` or ``response``. attributes: by name, without the prefix of headers."""

    side: str
    request_id: str
    time: int | None
    attributes: Mapping[str, Any]
    body: dict[str, Any]
    digest: int


def is_event(record: Mapping[str, Any]) -> bool:
    return "specversion" in record or bool(event_headers(record.get("headers")))


def read_event(record: Mapping[str, Any], raw: Record) -> Event:
    """raw: the record as it was read.

    Seldon gives each event an ``id`` of its own, and the ``requestid`` to both of a call;
    KServe gives both the same ``id``.
    """
    if "specversion" in record:
        attributes, data = record, record.get("data")
        payload = from_base64(record["data_base64"], "data") if "data_base64" in record else None
    else:
        attributes, payload = event_headers(record["headers"]), None
        data = record["body"] if "body" in record else record.get("data")
    if type(data) is str:
        data, payload = None, _bytes(data)
    if payload is not None:
        body, digest = load(payload, "data"), zlib.crc32(payload)
    elif type(data) is dict:
        body, digest = data, record_digest(raw)
    else:
        raise Malformed("missing" if data is None else "bad_value", "data")
    id_field = "requestid" if has(attributes, "requestid") else "id"
    return Event(
        side_of(attributes, "type"),
        get_text(attributes, id_field),
        get_time(attributes, "time") if has(attributes, "time") else None,
        attributes,
        body,
        digest,
    )


def event_headers(headers: Any) -> dict[str, Any]:
    """The attributes among the headers of a message; the first value where one has several."""
    if type(headers) is not dict:
        return {}
    return {
        name[3:].lower(): value[0] if type(value) is list and value else value
        for name, value in headers.items()
        if name[:3].lower() in PREFIXES
    }


def side_of(attributes: Mapping[str, Any], field: str) -> str:
    """The last word of an event's type."""
    kind = get_text(attributes, field)
    if kind.endswith("request"):
        return "request"
    if kind.endswith("response"):
        return "response"
    raise Malformed("bad_value", field)


def record_digest(record: Record) -> int:
    if type(record) is dict:
        try:
            record = orjson.dumps(record, default=str, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            raise Malformed("not_json") from None
    return zlib.crc32(record)


def _bytes(text: str) -> bytes:
    if text.lstrip().startswith("{"):
        return text.encode(errors="replace")
    return from_base64(text, "data")
