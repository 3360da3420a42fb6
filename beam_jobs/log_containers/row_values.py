"""Values of typed containers (Parquet, Avro) as JSON knows them."""

from __future__ import annotations

import base64
import datetime as dt
from decimal import Decimal
from typing import Any

from ..ingest_config import microseconds

_PLAIN = frozenset({bool, int, str, type(None)})


def json_value(value: Any) -> Any:
    """Times of day and durations in microseconds, moments since the epoch; those without offset
    are UTC. Dates are ISO 8601 text, bytes text where they are UTF-8 and base64 where they are
    not, decimals numbers, NaN None, maps dicts.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is float:
        return value if value == value else None
    if kind is dict:
        return {str(key): json_value(item) for key, item in value.items()}
    if kind is list:
        if value and type(value[0]) is tuple:
            return {str(json_value(key)): json_value(item) for key, item in value}
        return [json_value(item) for item in value]
    if kind is bytes:
        return text(value)
    if kind is Decimal:
        return decimal(value)
    return _time(value)


def text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()


def decimal(value: Decimal) -> int | float:
    """A whole number stays exact: BigQuery's NUMERIC has nine decimal places, and ids are such."""
    return integer(int(value)) if value == value.to_integral_value() else float(value)


def integer(value: int) -> int | float:
    """Beyond 64 bits a float, as JSON's readers make of it."""
    return value if -(1 << 63) <= value < 1 << 64 else float(Decimal(value))


def _time(value: Any) -> int | str:
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=dt.timezone.utc)
        return microseconds(value)
    if isinstance(value, dt.time):
        since = dt.timedelta(
            hours=value.hour,
            minutes=value.minute,
            seconds=value.second,
            microseconds=value.microsecond,
        )
        return since // dt.timedelta(microseconds=1)
    if isinstance(value, dt.timedelta):
        return value // dt.timedelta(microseconds=1)
    return str(value)
