"""Serialized tf.Examples (tensorflow/core/example) to rows of features.

One value is a scalar, several are a list, none is a missing one. Bytes are text, or base64 where
they are none in UTF-8; NaN is None, a missing value.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from tfx_bsl.coders import example_coder

from ..log_containers.row_values import text
from .tensor_protos import varint

_BATCH = 512


def is_example(data: bytes) -> bool:
    """Whether ``data`` has the outline of one: ``features`` (field 1) from beginning to end."""
    if data[:1] != b"\n":
        return False
    size, start = varint(data, 1)
    return start + size == len(data)


def read_example(data: bytes) -> dict[str, Any]:
    """Raises ValueError for what is no tf.Example."""
    row = {}
    for name, feature in decode(_example(), data).features.feature.items():
        kind = feature.WhichOneof("kind")
        values = list(getattr(feature, kind).value) if kind else []
        if kind == "bytes_list":
            values = [text(value) for value in values]
        elif kind == "float_list":
            values = [None if value != value else value for value in values]
        if values:
            row[name] = values[0] if len(values) == 1 else values
    return row


def read_examples(data: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    """As ``read_example`` of each, in a third of the time; missing features may be None.

    Raises:
      ValueError: some are no tf.Examples, or a feature has not one type in all of them.
    """
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    for start in range(0, len(data), _BATCH):
        some = data[start : start + _BATCH]
        try:
            batch = decoder.DecodeBatch(some)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
        names = batch.schema.names
        columns = map(_column, batch.columns)
        rows = zip(*columns, strict=True) if names else [()] * len(some)
        yield from (dict(zip(names, row, strict=True)) for row in rows)


def _column(lists: pa.Array) -> list:
    if pa.types.is_null(lists.type):
        return [None] * len(lists)
    values = _values(lists.flatten())
    ends = np.cumsum(lists.value_lengths().fill_null(0).to_numpy())
    if len(values) == len(lists) and (np.diff(ends, prepend=0) == 1).all():
        return values
    column, start = [], 0
    for end in ends.tolist():
        column.append(values[start] if end == start + 1 else values[start:end] or None)
        start = end
    return column


def _values(array: pa.Array) -> list:
    if pa.types.is_large_binary(array.type):
        try:
            return array.cast(pa.large_string()).to_pylist()
        except pa.ArrowInvalid:
            return [text(value) for value in array.to_pylist()]
    values = array.to_numpy()
    if values.dtype.kind == "f" and np.isnan(values).any():
        return [None if value != value else value for value in values.tolist()]
    return values.tolist()


def decode(message: type, data: bytes) -> Any:
    """A protobuf message. Raises ValueError for bytes that are none from beginning to end."""
    found = message()
    try:
        read = found.ParseFromString(data)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    if read != len(data):  # protobuf 3 but warns of an end-group tag that ends nothing
        raise ValueError("bytes left over")
    return found


@functools.cache
def _example() -> type:
    from tensorflow.core.example.example_pb2 import Example

    return Example
