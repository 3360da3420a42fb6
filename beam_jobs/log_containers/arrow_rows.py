"""Rows of Arrow record batches as dicts of JSON values (see row_values)."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from .row_values import integer, json_value

_MICROSECONDS = {"s": (1_000_000, 1), "ms": (1_000, 1), "us": (1, 1), "ns": (1, 1_000)}


def rows(batch: pa.RecordBatch) -> list[dict[str, Any] | None]:
    """None for a row with a value that Python has no object for, such as a date after 9999."""
    try:
        return _rows(batch)
    except (ArithmeticError, LookupError, TypeError, ValueError, pa.ArrowException):
        if batch.num_rows == 1:
            return [None]
        return [row for i in range(batch.num_rows) for row in rows(batch.slice(i, 1))]


def _rows(batch: pa.RecordBatch) -> list[dict[str, Any] | None]:
    if not batch.num_columns:
        return [{} for _ in range(batch.num_rows)]
    names = batch.schema.names
    columns = map(_values, batch.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pa.Array) -> list:
    kind, types = column.type, pa.types
    if types.is_floating(kind):
        floats = column.to_numpy(zero_copy_only=False).tolist()
        return [value if value == value else None for value in floats]
    if types.is_integer(kind) and not column.null_count:
        return column.to_numpy(zero_copy_only=False).tolist()
    if types.is_timestamp(kind):
        times, per = _MICROSECONDS[kind.unit]
        moments = column.cast(pa.int64()).to_pylist()
        return [None if moment is None else integer(moment * times // per) for moment in moments]
    values = column.to_pylist()
    if types.is_integer(kind) or types.is_boolean(kind) or types.is_string(kind):
        return values
    return list(map(json_value, values))
