"""Text columns, a value at a time or as a matrix of characters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from .contract import REDACTED, from_bytes, is_text, to_bytes


def map_text(values: pa.Array, function: Callable[[str], str]) -> pa.Array:
    """``function`` of each value's text; ``[REDACTED]`` where it raises ValueError or
    OverflowError, and for bytes that are no UTF-8."""

    def treat(value: bytes) -> bytes:
        try:
            return function(value.decode()).encode()
        except (ValueError, OverflowError):
            return REDACTED.encode()

    return from_bytes([treat(value) for value in to_bytes(values)], values.type)


def from_rows(characters: np.ndarray, kind: pa.DataType) -> pa.Array:
    """The rows of a matrix of ASCII codes, as ``from_bytes`` would give them."""
    rows, width = characters.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(characters))]
    texts = pa.Array.from_buffers(pa.large_binary(), rows, buffers)
    return texts.cast(kind if is_text(kind) else pa.string())
