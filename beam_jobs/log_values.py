"""JSON values of logs as typed values of tf.Examples; what does not fit is Malformed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from .ingest_config import RESERVED, Kind, microseconds

MAX_FLOAT = 3.4028234663852886e38
MAX_INT = (1 << 63) - 1
ROWS_OF_A_CALL = 1 << 31
_MAX_TIME = 253_402_300_800_000_000
_WIDTH = {"int": 0, "float": 1, "string": 2}
_KIND_OF = {int: "int", float: "float", str: "string"}
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:[Zz]| UTC|([+-]\d\d:\d\d))",
    re.ASCII,
)


class Malformed(Exception):
    """A record that cannot be used.

    ``reason`` is one of ``not_json``, ``not_proto``, ``missing``, ``bad_time``, ``bad_value``,
    ``reserved_name``, ``response_without_request``, ``prediction_count``, ``unsupported_log``
    (followed by the type of a PredictionLog that gives no rows), what a container says of its
    damage (``damaged_gzip``, ``bad_csv``, ``too_long`` and the like) or a contract of its breach
    (``out_of_domain`` and the like), and may be followed by ``:`` and a field's name that the
    format or the configuration gives: never by a name or value that only the record holds.
    """

    def __init__(self, what: str, field: str | None = None):
        self.reason = f"{what}:{field}" if field else what
        super().__init__(self.reason)


def get(record: Mapping[str, Any], field: str) -> Any:
    """``record[field]``; Malformed when it is missing or null."""
    value = record.get(field)
    if value is None:
        raise Malformed("missing", field)
    return value


def has(record: Mapping[str, Any], field: str) -> bool:
    """False where a field is left out, null or an empty text."""
    return record.get(field) not in (None, "")


def get_time(record: Mapping[str, Any], field: str) -> int:
    """Microseconds since the epoch, UTC, cut off not rounded.

    Takes RFC 3339 text (up to nanoseconds; an offset, Z or BigQuery's " UTC" is required) and
    non-negative numbers since the epoch, in seconds below 1e11, milliseconds below 1e14,
    microseconds below 1e17 and nanoseconds from there: unambiguous from 1973 to 5138.
    """
    value = record.get(field)
    if value is None:
        raise Malformed("missing", field)
    try:
        return rfc3339(value) if type(value) is str else _epoch(value)
    except (ValueError, TypeError):
        raise Malformed("bad_time", field) from None


def rfc3339(text: str) -> int:
    """As ``get_time``; ValueError for what is no time."""
    if text[-1:] == "Z":
        digits = text[20:-1]
        if text[19:20] == "." and digits.isdigit() and len(digits) < 10 and digits.isascii():
            return _second(text[:19]) + int(digits[:6].ljust(6, "0"))
        return _second(text[:-1])
    return _any_rfc3339(text)


@lru_cache(1 << 12)
def _second(text: str) -> int:
    if len(text) == 19 and text[4:17:3] == "--T::":
        return microseconds(datetime.fromisoformat(f"{text}+00:00"))
    return _any_rfc3339(text + "Z")


def _any_rfc3339(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if not match:
        raise ValueError
    day, time, fraction, offset = match.groups()
    whole = datetime.fromisoformat(f"{day}T{time}{offset or '+00:00'}")
    return microseconds(whole) + int((fraction or "").ljust(6, "0")[:6])


def _epoch(number: float) -> int:
    if isinstance(number, bool) or number < 0:
        raise ValueError
    if number < 1e11:
        time = int(number * 1_000_000)
    elif number < 1e14:
        time = int(number * 1_000)
    else:
        time = int(number if number < 1e17 else number // 1_000)
    if time >= _MAX_TIME:
        raise ValueError
    return time


def get_text(record: Mapping[str, Any], field: str) -> str:
    """A non-empty string; an integer becomes its digits."""
    value = record.get(field)
    if type(value) is str and value:
        return value
    if value is None:
        raise Malformed("missing", field)
    if type(value) is int:
        return str(value)
    raise Malformed("bad_value", field)


def get_row(record: Mapping[str, Any], field: str) -> int:
    row = record.get(field)
    if row is None:
        return 0
    if type(row) is int and 0 <= row < ROWS_OF_A_CALL:
        return row
    raise Malformed("bad_value", field)


def get_flag(record: Mapping[str, Any], field: str) -> int:
    """0 or 1, of a boolean or of just these numbers."""
    value = get(record, field)
    if type(value) in (bool, int, float) and value in (0, 1):
        return int(value)
    raise Malformed("bad_value", field)


def get_number(record: Mapping[str, Any], field: str) -> float:
    try:
        return scalar(get(record, field), "float")
    except ValueError:
        raise Malformed("bad_value", field) from None


def sampling_weight(rate: float) -> float | None:
    """1 / rate; None for what is no rate, as where none was configured."""
    return 1 / rate if 1 / MAX_FLOAT <= rate <= 1 else None


def scalar(value: Any, kind: Kind | None) -> int | float | str:
    """A JSON value that is no list, as ``kind``, or by its own type where that is None.

    Raises:
      ValueError: it does not fit: another type, null, or out of int64's or float32's range.
    """
    found = type(value)
    if kind is None:
        if found is str:
            return value
        if found is bool:
            return int(value)
        if found is dict:
            return _json_text(value)
        kind = "float"
    if kind == "string":
        if found is str:
            return value
        if found is int:
            return str(value)
    elif found is int or found is float or found is bool:
        if kind == "float":
            if -MAX_FLOAT <= value <= MAX_FLOAT:
                return float(value)
        elif -MAX_INT <= value <= MAX_INT and value == int(value):
            return int(value)
    raise ValueError


def _json_text(value: dict) -> str:
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        raise ValueError from None


def features(instance: Mapping[str, Any], declared: Mapping[str, Kind]) -> dict[str, Any]:
    """Name to scalar, or to the list of scalars of a multivalent feature; missing left out."""
    row = {}
    for name, value in instance.items():
        if value is None:
            continue
        if not name or name in RESERVED:
            raise Malformed("reserved_name", name)
        kind = declared.get(name)
        try:
            if type(value) is not list:
                row[name] = scalar(value, kind)
            elif value := [scalar(item, kind) for item in flatten(value)]:
                row[name] = _uniform(value)
        except ValueError:
            raise Malformed("bad_value", name if kind else None) from None
    return row


def _uniform(values: list) -> list:
    kinds = {_KIND_OF[type(value)] for value in values}
    return values if len(kinds) == 1 else [cast(value, widest(kinds)) for value in values]


def flatten(values: list) -> list:
    """The scalars of a nested list, row-major."""
    if list not in set(map(type, values)):
        return values
    scalars, open_lists = [], [iter(values)]
    while open_lists:
        for value in open_lists[-1]:
            if type(value) is list:
                open_lists.append(iter(value))
                break
            scalars.append(value)
        else:
            open_lists.pop()
    return scalars


def prediction(value: Any, name: str | None) -> float | list[float]:
    """The score, or vector of scores, in one logged prediction."""
    if type(value) is dict:
        if name is None and len(value) == 1:
            (value,) = value.values()
        else:
            value = value.get(name)
    try:
        if type(value) is not list:
            return scalar(value, "float")
        scores = [scalar(score, "float") for score in flatten(value)]
    except ValueError:
        scores = []
    if not scores:
        raise Malformed("bad_value", "prediction")
    return scores


def kind_of(value: float | str) -> Kind:
    """The kind of a typed scalar."""
    return _KIND_OF[type(value)]


def cell(text: str | None) -> int | float | str | None:
    """A cell of a CSV table: a number where it is one as JSON writes it, else its text.

    An integer too long to be one is a float, as orjson has it: infinity if it is out of range.
    """
    if not text:
        return None
    number = _NUMBER.fullmatch(text)
    if not number:
        return text
    return float(text) if number.lastindex or len(text) > 100 else int(text)


def widest(kinds: Iterable[Kind]) -> Kind:
    return max(kinds, key=_WIDTH.__getitem__)


def cast(value: float | str, kind: Kind) -> int | float | str:
    """A typed scalar as a kind at least as wide as its own."""
    if kind == "string":
        if type(value) is float and value.is_integer():
            value = int(value)
        return str(value)
    return float(value) if kind == "float" else value
