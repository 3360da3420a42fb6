"""Bodies of Seldon Core's own protocol (prediction.proto as JSON), requests and responses alike.

``{"data": {"names": [...], "ndarray": [[...], ...]}}``, or ``tensor: {shape, values}`` in place
of ``ndarray``. ``strData``, ``binData`` and ``jsonData``, which hold no rows, are not read.
"""

from __future__ import annotations

from typing import Any

from ..log_values import Malformed, get
from .tensors import tensor_rows


def seldon_instances(data: Any) -> list:
    """A row each: an object where the body names its columns, otherwise as it was sent."""
    rows, names = _table(data)
    if names:
        return [dict(zip(names, row, strict=True)) for row in rows]
    return rows


def seldon_predictions(data: Any, name: str | None) -> list:
    """A prediction a row: all that the model said, or its column ``name``."""
    rows, names = _table(data)
    if name is None:
        return rows
    if names is None or name not in names:
        raise Malformed("missing", "prediction")
    place = names.index(name)
    return [row[place] for row in rows]


def _table(data: Any) -> tuple[list, list[str] | None]:
    """Rows, and the names of their columns if there is one for each."""
    if type(data) is not dict:
        raise Malformed("bad_value", "data")
    tensor = data.get("tensor")
    if type(tensor) is dict:
        rows = tensor_rows({"shape": tensor.get("shape"), "data": tensor.get("values")}, "data")
        rows = [row if type(row) is list else [row] for row in rows]
    else:
        rows = get(data, "ndarray")
    if type(rows) is not list:
        raise Malformed("bad_value", "data")
    names = data.get("names")
    named = type(names) is list and names and all(type(name) is str for name in names)
    if named and all(type(row) is list and len(row) == len(names) for row in rows):
        return rows, names
    return rows, None
