"""Columns of samples of rows as plain arrays."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ...beam_jobs.list_columns import first_values, is_list

MISSING = "\0missing"


def single_values(column: pa.ChunkedArray) -> pa.Array | None:
    """One value a row, null where it has none; None where rows hold several."""
    whole = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(whole.type):
        whole = whole.dictionary_decode()
    if is_list(whole.type) and len(whole.flatten()) > len(whole):
        return None
    return first_values(whole)


def as_texts(column: pa.Array) -> np.ndarray:
    """Each value's text, or ``MISSING``."""
    encoded = column.dictionary_encode()
    texts = [_text(value) for value in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return np.array([*texts, MISSING])[codes]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
