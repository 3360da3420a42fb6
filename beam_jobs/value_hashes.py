"""64-bit hashes of Arrow values, equal in all batches and processes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from .list_columns import rows_of_values, values_of
from .privacy_methods.contract import is_text


def row_hashes(column: pa.Array) -> np.ndarray:
    """A hash of each row's value, or of its list of values in their order; 0 where it has none.

    Two different values of n have the same hash with a chance of about n^2 / 2^65: 3e-8 for a
    million. Text is hashed by SipHash, numbers by the finalizer of SplitMix64 (Steele 2014).
    """
    values, rows = _value_hashes(values_of(column)), rows_of_values(column)
    if len(rows) == len(column) and np.array_equal(rows, np.arange(len(column))):
        return mixed(values)
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    result = np.zeros(len(column), np.uint64)
    np.add.at(result, rows, mixed(values + place.astype(np.uint64)))
    return result


def mixed(values: np.ndarray) -> np.ndarray:
    """A bijection of uint64 under which close values are far apart."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def text_hash(text: str) -> np.uint64:
    return pd.util.hash_array(np.array([text], object), categorize=False)[0]


def _value_hashes(values: pa.Array) -> np.ndarray:
    if pa.types.is_null(values.type):
        return np.zeros(len(values), np.uint64)
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    hashes = _distinct_hashes(encoded.dictionary)
    indices = encoded.indices.fill_null(len(hashes)).to_numpy(zero_copy_only=False)
    return np.append(hashes, np.uint64(0))[indices]


def _distinct_hashes(values: pa.Array) -> np.ndarray:
    if is_text(values.type):
        texts = values.cast(pa.large_binary()).to_numpy(zero_copy_only=False)
        return pd.util.hash_array(texts, categorize=False)
    numbers = values.to_numpy(zero_copy_only=False)
    return mixed(numbers.astype(np.float64).view(np.uint64) + np.uint64(1))
