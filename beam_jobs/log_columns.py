"""Rows of a log, as dicts of JSON values, to typed Arrow columns; misfits are named, not raised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from tfx_bsl.arrow import array_util

from .ingest_config import FIXED_COLUMNS, RESERVED, Kind
from .log_values import MAX_FLOAT, cast, flatten, kind_of, scalar, widest

ARROW: dict[Kind, pa.DataType] = {
    "int": pa.int64(),
    "float": pa.float64(),
    "string": pa.large_string(),
}
_FINAL = {"int": pa.int64(), "float": pa.float32(), "string": pa.large_binary()}
_FLAT = _FINAL | {"string": pa.large_string()}
_NONE = type(None)


class ColumnKind(NamedTuple):
    """``multivalent``: some row has a list of values."""

    kind: Kind
    multivalent: bool


class Columns(NamedTuple):
    """``arrays``: of the types in ``ARROW``, or large lists of them; null where a row has no value.

    ``misfits``: row to the reason why it is none.
    """

    arrays: dict[str, pa.Array]
    misfits: dict[int, str]


def to_columns(features: Mapping[str, Sequence], declared: Mapping[str, Kind]) -> Columns:
    """Columns of ``features``, of their declared kind or the widest of their values.

    NaN is a missing value.
    """
    arrays, misfits = {}, {}
    for name, values in features.items():
        if not name or name in RESERVED:
            reason = f"reserved_name:{name}"
            misfits |= {i: reason for i, value in enumerate(values) if value is not None}
            continue
        kind = declared.get(name)
        array, unfit = to_array(values, kind)
        if array is not None:
            arrays[name] = array
        for i in unfit:
            misfits.setdefault(i, f"bad_value:{name}" if kind else "bad_value")
    return Columns(arrays, misfits)


def to_array(values: Sequence, kind: Kind | None) -> tuple[pa.Array | None, list[int]]:
    """A column of ``kind``, or of the widest that is found, and the places of its misfits.

    None for a column without any value.
    """
    types = set(map(type, values)) - {_NONE}
    if not types:
        return None, []
    try:
        if types <= {float, int} and kind != "string" and (float in types or kind != "int"):
            return _floats(values) if kind != "int" else _slow_array(values, kind)
        if types == {str} and kind in (None, "string"):
            return pa.array(values, pa.large_string()), []
        if (types == {int} and kind == "int") or (types == {bool} and kind is None):
            return pa.array(values).cast(pa.int64()), []
        if types == {list} and kind in (None, "float"):
            return _float_lists(values)
    except (OverflowError, TypeError, ValueError, UnicodeEncodeError):
        pass
    return _slow_array(values, kind)


def _floats(values: Sequence) -> tuple[pa.Array, list[int]]:
    floats = np.array(values, np.float64)
    unfit = np.abs(floats) > MAX_FLOAT
    return pa.array(floats, mask=np.isnan(floats) | unfit), np.flatnonzero(unfit).tolist()


def _float_lists(values: Sequence[list | None]) -> tuple[pa.Array, list[int]]:
    """Raises ValueError for lists that are not all of finite numbers."""
    if not set(map(type, chain.from_iterable(x for x in values if x))) <= {float, int}:
        raise ValueError
    array = pa.array([value or None for value in values], pa.large_list(pa.float64()))
    if len(array.flatten()) and not np.abs(array.flatten().to_numpy()).max() <= MAX_FLOAT:
        raise ValueError
    return array, []


def _slow_array(values: Sequence, kind: Kind | None) -> tuple[pa.Array, list[int]]:
    typed, unfit = [], []
    for i, value in enumerate(values):
        try:
            typed.append(_typed(value, kind))
        except ValueError:
            typed.append(None)
            unfit.append(i)
    kinds = {kind_of(x) for value in typed for x in _items(value)}
    target = kind or (widest(kinds) if kinds else "float")
    if any(type(value) is list for value in typed):
        lists = [[cast(x, target) for x in _items(value)] or None for value in typed]
        return pa.array(lists, pa.large_list(ARROW[target])), unfit
    return pa.array([None if x is None else cast(x, target) for x in typed], ARROW[target]), unfit


def _typed(value: Any, kind: Kind | None) -> Any:
    """Raises ValueError for a value that does not fit."""
    if value is None or value != value:
        return None
    if type(value) is list:
        return [_encodable(scalar(x, kind)) for x in flatten(value)] or None
    return _encodable(scalar(value, kind))


def _encodable(value: Any) -> Any:
    if type(value) is str:
        value.encode()
    return value


def _items(value: Any) -> list:
    if value is None:
        return []
    return value if type(value) is list else [value]


def kind_of_column(array: pa.Array) -> ColumnKind:
    multivalent = pa.types.is_large_list(array.type)
    values = array.type.value_type if multivalent else array.type
    return ColumnKind(next(k for k, t in ARROW.items() if t == values), multivalent)


def kinds_of(row: Mapping[str, Any]) -> set[tuple[str, ColumnKind]]:
    """(name, kind) of each typed value of ``row``."""
    return {
        (name, ColumnKind(kind_of(_items(value)[0]), type(value) is list))
        for name, value in row.items()
    }


def resolve_kinds(
    found: Iterable[tuple[str, ColumnKind]], declared: Mapping[str, Kind]
) -> dict[str, ColumnKind]:
    """Each column's kind, by name: fixed or declared, otherwise the widest found."""
    given = {**declared, **FIXED_COLUMNS}
    kinds = {name: ColumnKind(kind, False) for name, kind in given.items()}
    for name, (kind, multivalent) in found:
        known = kinds.get(name, ColumnKind(kind, multivalent))
        kinds[name] = ColumnKind(
            given.get(name) or widest((kind, known.kind)), multivalent or known.multivalent
        )
    return dict(sorted(kinds.items()))


def to_batch(arrays: Mapping[str, pa.Array], kinds: Mapping[str, ColumnKind]) -> pa.RecordBatch:
    """Columns in the order of ``kinds``, of the types that tfx-bsl encodes.

    Columns without any value are left out.
    """
    lists = {
        name: _listed(_cast(arrays[name], kind, _FINAL))
        for name, (kind, _) in kinds.items()
        if name in arrays and arrays[name].null_count < len(arrays[name])
    }
    return pa.RecordBatch.from_arrays(list(lists.values()), list(lists))


def to_flat_batch(
    arrays: Mapping[str, pa.Array], kinds: Mapping[str, ColumnKind]
) -> pa.RecordBatch:
    """All columns of ``kinds``: scalars, or lists where they are multivalent."""
    rows = len(next(iter(arrays.values())))
    columns = {}
    for name, (kind, multivalent) in kinds.items():
        if name not in arrays:
            flat = pa.large_list(_FLAT[kind]) if multivalent else _FLAT[kind]
            columns[name] = pa.nulls(rows, flat)
            continue
        array = _cast(arrays[name], kind, _FLAT)
        columns[name] = _listed(array) if multivalent else array
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _cast(array: pa.Array, kind: Kind, types: Mapping[Kind, pa.DataType]) -> pa.Array:
    if pa.types.is_large_list(array.type):
        if kind == "string" and not pa.types.is_large_string(array.type.value_type):
            texts = [x and [cast(v, kind) for v in x] for x in array.to_pylist()]
            array = pa.array(texts, pa.large_list(pa.large_string()))
        return array.cast(pa.large_list(types[kind]))
    if kind == "string" and not pa.types.is_large_string(array.type):
        texts = [None if x is None else cast(x, kind) for x in array.to_pylist()]
        array = pa.array(texts, pa.large_string())
    return array.cast(types[kind])


def _listed(array: pa.Array) -> pa.Array:
    return array if pa.types.is_large_list(array.type) else array_util.ToSingletonListArray(array)
