"""A column of a record batch as values and the rows that they are in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa

from ..list_columns import is_list, rows_of_values

Kind = Literal["INT", "FLOAT", "STRING"]


@dataclass(frozen=True, eq=False)
class Column:
    """The values of a column.

    Attributes:
      kind: None where it has no value at all.
      values: those of all rows, one after another, without null; maybe dictionary-encoded.
      rows: of each value the row that it is in; None where each row has exactly one.
      lengths: number of values of each row that is not null; None where that is always one.
      present: the rows that are not null; None where that is each row.
    """

    kind: Kind | None
    values: pa.Array
    rows: np.ndarray | None = None
    lengths: np.ndarray | None = None
    present: np.ndarray | None = None

    @cached_property
    def numbers(self) -> np.ndarray:
        """The values as float64."""
        return self.values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)

    @cached_property
    def encoded(self) -> pa.DictionaryArray:
        if pa.types.is_dictionary(self.values.type):
            return self.values
        return self.values.dictionary_encode()

    @cached_property
    def codes(self) -> np.ndarray:
        """Places of the values in the dictionary."""
        return self.encoded.indices.to_numpy(zero_copy_only=False)

    @cached_property
    def texts(self) -> pa.Array:
        """The dictionary as bytes; numbers in their shortest decimal form."""
        values = self.encoded.dictionary
        if self.kind == "STRING":
            return values.cast(pa.large_binary())
        return pa.array([str(value).encode() for value in values.to_numpy()], pa.large_binary())


def column_of(array: pa.Array) -> Column:
    """A flat column, or one of lists as tfx-bsl reads tf.Examples."""
    if pa.types.is_null(array.type):
        nobody = np.zeros(0, np.int64)
        return Column(None, pa.array([], pa.float32()), nobody, None, nobody)
    valid = array.is_valid().to_numpy(zero_copy_only=False) if array.null_count else None
    present = None if valid is None else np.flatnonzero(valid)
    if not is_list(array.type):
        values = array if present is None else array.take(pa.array(present))
        return Column(_kind(array.type), values, present, None, present)
    values = array.flatten()
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    lengths = lengths if present is None else lengths[present]
    kind = _kind(array.type.value_type)
    if (lengths == 1).all():
        return Column(kind, values, present, None, present)
    return Column(kind, values, rows_of_values(array), lengths, present)


def joined_columns(
    batches: Sequence[pa.RecordBatch], wanted: Callable[[str], bool]
) -> dict[str, pa.Array]:
    """The wanted columns of all batches; where a batch lacks one, its rows have no value."""
    names = dict.fromkeys(name for batch in batches for name in batch.schema.names if wanted(name))
    places = [{name: i for i, name in enumerate(batch.schema.names)} for batch in batches]
    return {
        name: joined_arrays(
            [
                batch.column(at[name]) if name in at else pa.nulls(batch.num_rows)
                for batch, at in zip(batches, places, strict=True)
            ]
        )
        for name in names
    }


def joined_arrays(arrays: Sequence[pa.Array]) -> pa.Array:
    """Arrays of one type, or of no type where a batch has no value, one after another.

    Integers among floats become floats.
    """
    kinds = dict.fromkeys(array.type for array in arrays if not pa.types.is_null(array.type))
    kind = next(iter(kinds), pa.null())
    if len(kinds) > 1:
        kind = next((kind for kind in kinds if "float" in str(kind)), kind)
    same = [
        array
        if array.type == kind
        else pa.nulls(len(array), kind)
        if pa.types.is_null(array.type)
        else array.cast(kind)
        for array in arrays
    ]
    if len(same) == 1:
        return same[0]
    if pa.types.is_dictionary(kind):
        return pa.chunked_array(same).unify_dictionaries().combine_chunks()
    return pa.concat_arrays(same)


def _kind(kind: pa.DataType) -> Kind:
    if pa.types.is_dictionary(kind):
        return _kind(kind.value_type)
    if pa.types.is_integer(kind):
        return "INT"
    return "FLOAT" if pa.types.is_floating(kind) else "STRING"
