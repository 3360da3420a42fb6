"""Avro schemas made ready for fastavro, and safe against what a damaged block may hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import fastavro
import orjson
from fastavro.read import LOGICAL_READERS

from .row_values import decimal, integer, text

_PRIMITIVE = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
_MICROSECONDS = {
    "time-millis": (1_000, 1),
    "time-micros": (1, 1),
    "timestamp-millis": (1_000, 1),
    "timestamp-micros": (1, 1),
    "timestamp-nanos": (1, 1_000),
    "local-timestamp-millis": (1_000, 1),
    "local-timestamp-micros": (1, 1),
    "local-timestamp-nanos": (1, 1_000),
}
_MOST_DIGITS = 400
_DEEPEST = 64


def ready(schema: bytes) -> Any:
    """The schema for fastavro, with logical types that are read as row_values would have them;
    a number that is no such value, as a date after 9999, stays a number.

    Raises:
      ValueError: it is none, or lets few bytes become endless values: it is recursive, or has
        records, or elements of arrays, that take no byte.
    """
    try:
        checked = _Checked().type(orjson.loads(schema), "", 0)
        if checked == "null":
            raise ValueError("records without a byte")
        return fastavro.parse_schema(checked)
    except Exception as error:
        raise ValueError("no usable schema") from error


class _Checked:
    def __init__(self):
        self._known: set[str] = set()

    def type(self, schema: Any, space: str, depth: int) -> Any:
        """``schema``, in the namespace ``space``, without what is not needed to read."""
        if depth > _DEEPEST:
            raise ValueError("too deep")
        if type(schema) is list:
            return [self.type(item, space, depth + 1) for item in schema]
        if type(schema) is str:
            if schema in _PRIMITIVE:
                return schema
            name = _full(schema, space)
            if name not in self._known:
                raise ValueError("unknown or recursive")
            return name
        kind = schema["type"]
        if kind == "array":
            items = self.type(schema["items"], space, depth + 1)
            if items == "null":
                raise ValueError("elements without a byte")
            return {"type": kind, "items": items}
        if kind == "map":
            return {"type": kind, "values": self.type(schema["values"], space, depth + 1)}
        if kind in ("record", "error", "enum", "fixed"):
            return self._named(schema, space, depth)
        if kind in _PRIMITIVE:
            return {"type": kind, **_logical(schema)} if kind != "null" else kind
        return self.type(kind, space, depth + 1)

    def _named(self, schema: Mapping[str, Any], space: str, depth: int) -> dict[str, Any]:
        name = _full(schema["name"], schema.get("namespace") or space)
        ready = {"type": schema["type"], "name": name}
        if schema["type"] == "enum":
            ready["symbols"] = schema["symbols"]
        elif schema["type"] == "fixed":
            ready |= {"size": schema["size"], **_logical(schema)}
            if not ready["size"]:
                raise ValueError("values without a byte")
        else:
            space = name.rpartition(".")[0]
            ready["fields"] = [
                {"name": field["name"], "type": self.type(field["type"], space, depth + 1)}
                for field in schema["fields"]
            ]
            if all(field["type"] == "null" for field in ready["fields"]):
                raise ValueError("records without a byte")
        self._known.add(name)
        return ready


def _full(name: str, space: str) -> str:
    return name if "." in name or not space else f"{space}.{name}"


def _logical(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind, found = schema["type"], schema.get("logicalType")
    if kind in ("int", "long") and found in _MICROSECONDS:
        times, per = _MICROSECONDS[found]
        return {"logicalType": "vigil-microseconds", "times": times, "per": per}
    if kind == "int" and found == "date":
        return {"logicalType": "vigil-date"}
    if kind in ("bytes", "fixed") and found == "decimal":
        scale = schema.get("scale", 0)
        if type(scale) is int and 0 <= scale <= _MOST_DIGITS:
            return {"logicalType": "vigil-decimal", "scale": scale}
    return {}


def _microseconds(number: int, schema: Mapping[str, Any], _=None) -> int | float:
    return integer(number * schema["times"] // schema["per"])


def _date(days: int, schema: Mapping[str, Any], _=None) -> str | int:
    try:
        return (dt.date(1970, 1, 1) + dt.timedelta(days)).isoformat()
    except OverflowError:
        return days


def _decimal(data: bytes, schema: Mapping[str, Any], _=None) -> int | float | str:
    if len(data) > _MOST_DIGITS:
        return text(data)
    unscaled = int.from_bytes(data, "big", signed=True)
    return decimal(Decimal(unscaled).scaleb(-schema["scale"]))


LOGICAL_READERS["int-vigil-microseconds"] = _microseconds
LOGICAL_READERS["long-vigil-microseconds"] = _microseconds
LOGICAL_READERS["int-vigil-date"] = _date
LOGICAL_READERS["bytes-vigil-decimal"] = _decimal
LOGICAL_READERS["fixed-vigil-decimal"] = _decimal
