"""Tensors of the Open Inference Protocol (V2): their rows, and the values in their raw bytes."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson

from ..log_containers.row_values import text
from ..log_values import Malformed, flatten

MAX_DIMENSIONS = 32
_DTYPES = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


def tensor_rows(tensor: Mapping[str, Any], where: str, content_type: str | None = None) -> list:
    """One entry a row (the first dimension): a scalar, or a list where rows are wider.

    Data may be flat or nested. content_type: MLServer's, of the whole body; the tensor's own
    wins: ``base64`` and ``pd_json`` change what its texts mean.
    """
    shape, data = tensor.get("shape"), tensor.get("data")
    if type(data) is not list:
        raise Malformed("missing", "data") if data is None else Malformed("bad_value", where)
    if list in set(map(type, data)):
        data = flatten(data)
    length = len(data)
    width = 1 if shape == [length] or shape == [length, 1] else _width(shape, length, where)
    if "parameters" in tensor:
        content_type = parameter(tensor, "content_type") or content_type
    if content_type == "base64":
        data = [_from_base64(value) for value in data]
    elif content_type == "pd_json":
        data = [_from_json(value, where) for value in data]
    if width == 1:
        return data
    return [data[n : n + width] for n in range(0, len(data), width)]


def parameter(holder: Mapping[str, Any], name: str) -> Any:
    """A parameter of a tensor or body; in protobuf's JSON it lies in a key such as stringParam."""
    parameters = holder.get("parameters")
    value = parameters.get(name) if type(parameters) is dict else None
    if type(value) is dict and len(value) == 1:
        ((kind, typed),) = value.items()
        return typed if kind.lower().endswith("param") else value
    return value


def unpack(raw: bytes, datatype: Any, where: str) -> list:
    """Raw little-endian values, row-major; a BYTES value is preceded by its length in 4 bytes,
    and is text, or where it is none in UTF-8, base64.

    BF16 is Triton's addition to the protocol's types. NaN is None, a missing value.
    """
    if datatype == "BYTES":
        return _texts(raw, where)
    try:
        if datatype == "BF16":
            values = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        else:
            values = np.frombuffer(raw, _DTYPES[datatype])
    except (ValueError, KeyError, TypeError):
        raise Malformed("bad_value", where) from None
    if values.dtype.kind == "f" and np.isnan(values).any():
        return [None if math.isnan(value) else value for value in values.tolist()]
    return values.tolist()


def _width(shape: Any, length: int, where: str) -> int:
    if shape is None:
        raise Malformed("missing", "shape")
    sized = type(shape) is list and 0 < len(shape) <= MAX_DIMENSIONS
    if not sized or not all(type(n) is int and n >= 0 for n in shape) or 0 in shape[1:]:
        raise Malformed("bad_value", where)
    width = math.prod(shape[1:])
    if shape[0] * width != length:
        raise Malformed("bad_value", where)
    return width


def _texts(raw: bytes, where: str) -> list[str]:
    texts, start = [], 0
    while start < len(raw):
        end = start + 4 + int.from_bytes(raw[start : start + 4], "little")
        if end > len(raw):
            raise Malformed("bad_value", where)
        texts.append(text(raw[start + 4 : end]))
        start = end
    return texts


def _from_base64(value: Any) -> Any:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (ValueError, TypeError):
        return value


def _from_json(value: Any, where: str) -> Any:
    if value is None:
        return None
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Malformed("bad_value", where) from None
