"""Arrow columns of values or of lists of values, as tf.Examples have them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def values_of(column: pa.Array) -> pa.Array:
    """The values of all rows, one after another."""
    return column.flatten() if is_list(column.type) else column


def rows_of_values(column: pa.Array) -> np.ndarray:
    """For each of ``values_of`` the row that it is in."""
    rows = np.arange(len(column))
    return np.repeat(rows, _lengths(column)) if is_list(column.type) else rows


def first_values(column: pa.Array) -> pa.Array:
    """The first value of each row; null where it has none."""
    if not is_list(column.type):
        return column
    lengths = _lengths(column)
    starts = np.cumsum(lengths, dtype=np.int64) - lengths
    return column.flatten().take(pa.array(starts, mask=lengths == 0))


def with_values(column: pa.Array, values: pa.Array) -> pa.Array:
    """The column with other values, as many in each row as before; lists leave out those that
    became null, under which tfx-bsl's encoder would read on."""
    if not is_list(column.type):
        return values
    lengths = _lengths(column)
    if values.null_count:
        is_kept = _is_valid(values) | ~_is_valid(values_of(column))
        lengths = np.bincount(rows_of_values(column)[is_kept], minlength=len(column))
        values = values.filter(pa.array(is_kept))
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    is_null = np.append(column.is_null().to_numpy(zero_copy_only=False), False)
    large = pa.types.is_large_list(column.type)
    kind, index = (pa.LargeListArray, pa.int64()) if large else (pa.ListArray, pa.int32())
    return kind.from_arrays(pa.array(offsets, index, mask=is_null), values)


def _lengths(column: pa.Array) -> np.ndarray:
    return column.value_lengths().fill_null(0).to_numpy()


def _is_valid(values: pa.Array) -> np.ndarray:
    return values.is_valid().to_numpy(zero_copy_only=False)
