"""Tensors of TensorFlow (tensorflow/core/framework/tensor.proto), read without TensorFlow.

The values lie in ``tensor_content``, or in the list for their type. That list may be shorter
than the tensor, whose other values are then its last one; of an empty list they are zero.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..log_containers.row_values import text
from ..log_values import Malformed
from .tensors import unpack

DT_STRING = 7
MAX_REPEATED = 1 << 16
_TYPES: dict[int, tuple[str, str, Any]] = {
    1: ("FP32", "float_val", 0.0),
    2: ("FP64", "double_val", 0.0),
    3: ("INT32", "int_val", 0),
    4: ("UINT8", "int_val", 0),
    5: ("INT16", "int_val", 0),
    6: ("INT8", "int_val", 0),
    DT_STRING: ("BYTES", "string_val", b""),
    9: ("INT64", "int64_val", 0),
    10: ("BOOL", "bool_val", False),
    14: ("BF16", "half_val", 0.0),
    17: ("UINT16", "int_val", 0),
    19: ("FP16", "half_val", 0.0),
    22: ("UINT32", "uint32_val", 0),
    23: ("UINT64", "uint64_val", 0),
}


class Tensor(NamedTuple):
    """values: row-major numbers, bools or bytes; NaN is None, a missing value."""

    shape: list[int]
    values: list

    def rows(self, where: str) -> list:
        """One entry a row (the first dimension): a scalar, or a list where rows are wider.

        A tensor without dimensions is one row. Bytes are text, or base64 where they
        are none in UTF-8.
        """
        values = self.values
        if values and type(values[0]) is bytes:
            values = [text(value) for value in values]
        width = math.prod(self.shape[1:])
        if width == 1:
            return values
        if not width:
            raise Malformed("bad_value", where)
        return [values[n : n + width] for n in range(0, len(values), width)]


def read_tensor(tensor: Any, where: str) -> Tensor:
    """Of a TensorProto. Raises Malformed."""
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    size, dtype, content = math.prod(shape), tensor.dtype, tensor.tensor_content
    if dtype not in _TYPES or min(shape, default=0) < 0:
        raise Malformed("bad_value", where)
    datatype, field, zero = _TYPES[dtype]
    if content:
        values = _strings(content, size) if dtype == DT_STRING else unpack(content, datatype, where)
        if len(values) != size:
            raise Malformed("bad_value", where)
        return Tensor(shape, values)
    values = list(getattr(tensor, field))
    if field == "half_val":
        values = unpack(np.array(values, "<i4").astype("<u2").tobytes(), datatype, where)
    elif type(zero) is float:
        values = [None if value != value else value for value in values]
    if len(values) < size:
        if size > MAX_REPEATED:
            raise Malformed("bad_value", where)
        values += [values[-1] if values else zero] * (size - len(values))
    return Tensor(shape, values if len(values) == size else values[:size])


def _strings(content: bytes, size: int) -> list[bytes]:
    """All lengths, as varints, and then all bytes; too few strings where they do not fit."""
    lengths, at = [], 0
    while len(lengths) < size and at < len(content):
        length, at = varint(content, at)
        lengths.append(length)
    values = []
    for length in lengths:
        values.append(content[at : at + length])
        at += length
    return values if at == len(content) else []


def varint(data: bytes, start: int) -> tuple[int, int]:
    """The base-128 varint that begins at ``start``, and its end; cut off where ``data`` ends."""
    value = 0
    for n, byte in enumerate(data[start : start + 10]):
        value |= (byte & 127) << 7 * n
        if byte < 128:
            return value, start + n + 1
    return value, len(data)
