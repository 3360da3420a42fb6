"""Equivalence classes: rows that agree in all quasi-identifiers, counted batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .list_columns import first_values, rows_of_values
from .value_hashes import mixed, row_hashes, text_hash

_BUCKET_BITS = 5
_SHIFT = np.uint64(64 - _BUCKET_BITS)
_BELOW_BUCKET = (np.uint64(1) << _SHIFT) - np.uint64(1)
_BUCKETS = np.arange(1, 1 << _BUCKET_BITS, dtype=np.uint64) << _SHIFT
CLASSES, WITHOUT, VALUES = "classes", "without", "values"


class Groups(NamedTuple):
    """Groups of rows by a 64-bit key, each key once, in order, with its number of rows.

    ``about``: of each group what its table tells besides; None where that is nothing.
    """

    keys: np.ndarray
    rows: np.ndarray
    about: pa.Array | None = None


Tables = Mapping[tuple[str, str], Groups]
"""By kind and field.

``classes``: the classes, and about each the values that its rows share, in words.
``without`` a field: the classes if that field were no quasi-identifier.
``values`` of a sensitive field: pairs of a class and a value of it, and about each the class.
"""


def class_tables(
    batch: pa.RecordBatch, quasi: Sequence[str], sensitive: Sequence[str]
) -> Iterator[tuple[int, Tables]]:
    """The classes of a batch, in buckets by their keys, where those of other batches meet them.

    Args:
      quasi, sensitive: such columns of the batch. Another batch may have others: a field that a
        batch lacks is as one without a value.
    """
    columns = {name: batch.column(batch.schema.get_field_index(name)) for name in quasi}
    parts = {name: _part(name, column) for name, column in columns.items()}
    keys = sum(parts.values(), np.zeros(batch.num_rows, np.uint64))
    classes, first = grouped(keys)
    tables = {(CLASSES, ""): classes._replace(about=_in_words(columns, first))}
    for name, part in parts.items():
        tables[WITHOUT, name], _ = grouped(keys - part)
    for name in sensitive:
        hashes = row_hashes(batch.column(batch.schema.get_field_index(name)))
        of, values = keys[hashes != 0], hashes[hashes != 0]
        pairs = of & ~_BELOW_BUCKET | mixed(of + mixed(values)) & _BELOW_BUCKET
        found, first = grouped(pairs)
        tables[VALUES, name] = found._replace(about=pa.array(of[first]))
    edges = {
        kind: [0, *np.searchsorted(found.keys, _BUCKETS).tolist(), len(found.keys)]
        for kind, found in tables.items()
    }
    for bucket in range(1 << _BUCKET_BITS):
        here = {kind: _slice(tables[kind], *edges[kind][bucket : bucket + 2]) for kind in tables}
        if any(len(found.keys) for found in here.values()):
            yield bucket, here


def merged(parts: Sequence[Tables]) -> Tables:
    """The tables of all parts of one bucket; of a field that a part lacks its classes count."""
    kinds = sorted({kind for tables in parts for kind in tables})
    result = {}
    for kind in kinds:
        found = [tables[kind] for tables in parts if kind in tables]
        if kind[0] == WITHOUT:
            lacking = (tables for tables in parts if kind not in tables)
            found += [tables[CLASSES, ""]._replace(about=None) for tables in lacking]
        result[kind] = _merged(found)
    return result


def grouped(keys: np.ndarray, rows: np.ndarray | None = None) -> tuple[Groups, np.ndarray]:
    """Groups of equal keys, and where the first of each is; ``rows``: of each key, else 1."""
    order = np.argsort(keys)
    ordered = keys[order]
    starts = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])[: len(keys)])
    counts = np.ones(len(keys), np.int64) if rows is None else rows[order]
    sums = np.add.reduceat(counts, starts) if len(keys) else counts
    return Groups(ordered[starts], sums), order[starts]


def _merged(found: Sequence[Groups]) -> Groups:
    if len(found) == 1:
        return found[0]
    groups, first = grouped(
        np.concatenate([part.keys for part in found]), np.concatenate([part.rows for part in found])
    )
    if found[0].about is None:
        return groups
    about = pa.concat_arrays([part.about for part in found])
    return groups._replace(about=about.take(pa.array(first)))


def _slice(groups: Groups, start: int, end: int) -> Groups:
    """Copies what is about them, for a slice of an Arrow array is pickled with the whole."""
    places = pa.array(np.arange(start, end))
    about = None if groups.about is None else groups.about.take(places)
    return Groups(groups.keys[start:end], groups.rows[start:end], about)


def _part(name: str, column: pa.Array) -> np.ndarray:
    """What a column adds to the keys of its rows: nothing where a row has no value."""
    hashes = row_hashes(column)
    return np.where(hashes == 0, hashes, mixed(hashes + text_hash(name)))


def _in_words(columns: Mapping[str, pa.Array], rows: np.ndarray) -> pa.Array:
    """``name=value, ...`` of the given rows, without the fields that a row lacks."""
    at = pa.array(rows)
    texts = [
        _joined(_words(f", {name}="), _text(column.take(at))).fill_null("")
        for name, column in sorted(columns.items())
    ]
    whole = _joined(pa.array([""] * len(rows), pa.large_string()), *texts)
    return pc.replace_substring_regex(whole, "^, ", "")


def _text(column: pa.Array) -> pa.Array:
    """The first value of each row as text, with an ellipsis where it has several."""
    texts = _as_text(first_values(column))
    several = np.bincount(rows_of_values(column), minlength=len(column)) > 1
    if not several.any():
        return texts
    return pc.if_else(pa.array(several), _joined(texts, _words(", ...")), texts)


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        return _as_text(values.cast(values.type.value_type))
    try:
        return values.cast(pa.large_string())
    except pa.ArrowInvalid:
        texts = [value and value.decode("utf-8", "replace") for value in values.to_pylist()]
        return pa.array(texts, pa.large_string())


def _joined(*texts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*texts, _words(""))


def _words(text: str) -> pa.Scalar:
    return pa.scalar(text, pa.large_string())
