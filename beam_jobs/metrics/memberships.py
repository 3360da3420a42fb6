"""Which rows of a batch lie in which slices, as integer codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

SliceKey = tuple[tuple[str, "str | int | float"], ...]
"""(feature, value) pairs sorted by feature, as TFMA's; () for the whole."""

BUCKETS = 20
BUCKET = "\x01group"
"""Feature that tells which of so many parts of the groups a row belongs to; see ``groups``."""


@dataclass(frozen=True)
class SliceSpec:
    """Slices by ``features`` crossed, of them only those with the values ``only``.

    A feature of ``only`` is one of ``features`` too; () and {} are the whole.
    """

    features: tuple[str, ...]
    only: tuple[tuple[str, str], ...] = ()

    def holds(self, key: SliceKey) -> bool:
        return all(str(value) == dict(self.only).get(name, str(value)) for name, value in key)


@dataclass(frozen=True)
class Membership:
    """The slices of one crossing of features in a batch.

    Attributes:
      keys: of the slices that have rows.
      rows: row indices, a row once for each slice it lies in; None: each row once, in order.
      codes: for each of ``rows`` which slice of ``keys``.
    """

    keys: list[SliceKey]
    rows: np.ndarray | None
    codes: np.ndarray

    def take(self, values: np.ndarray) -> np.ndarray:
        """``values`` [n, ...] of the batch's rows, for each of ``rows``."""
        return values if self.rows is None else values[self.rows]


def memberships(batch: pa.RecordBatch, specs: Sequence[SliceSpec]) -> Iterator[Membership]:
    """The slices of ``specs`` that occur in ``batch``: each slice once, the whole always.

    A row with several values of a feature lies in several slices, once in each; a row without
    a value in none.
    """
    yield Membership([()], None, np.zeros(batch.num_rows, np.int64))
    by_features: dict[tuple[str, ...], list[SliceSpec]] = {}
    for spec in specs:
        by_features.setdefault(tuple(sorted(spec.features)), []).append(spec)
    encoded = {
        feature: _encode(batch.column(feature))
        for feature in {name for features in by_features for name in features}
        if feature in batch.schema.names
    }
    for features, wanted in by_features.items():
        if features and all(feature in encoded for feature in features):
            crossed = _cross([encoded[feature] for feature in features])
            yield _named(features, crossed, [encoded[feature] for feature in features], wanted)


@dataclass(frozen=True)
class _Column:
    """A feature's values: each row's distinct ones. ``rows`` None: exactly one in each row."""

    rows: np.ndarray | None
    codes: np.ndarray
    values: list[str | int | float]


def _encode(lists: pa.LargeListArray) -> _Column:
    lengths = lists.value_lengths().to_numpy()
    encoded = lists.flatten().dictionary_encode()
    values = [
        value.decode() if isinstance(value, bytes) else value
        for value in encoded.dictionary.to_pylist()
    ]
    codes = encoded.indices.to_numpy().astype(np.int64)
    if (lengths == 1).all():
        return _Column(None, codes, values)
    rows = np.repeat(np.arange(len(lists)), lengths)
    if lengths.max(initial=0) > 1:
        rows, codes = np.divmod(np.unique(rows * len(values) + codes), len(values))
    return _Column(rows, codes, values)


def _cross(columns: Sequence[_Column]) -> tuple[np.ndarray | None, np.ndarray]:
    """Rows and mixed-radix codes of the crossing of ``columns``."""
    rows, codes = columns[0].rows, columns[0].codes
    for column in columns[1:]:
        if rows is None and column.rows is None:
            codes = codes * len(column.values) + column.codes
            continue
        left = np.arange(len(codes)) if rows is None else rows
        right = np.arange(len(column.codes)) if column.rows is None else column.rows
        first = np.searchsorted(right, left, "left")
        repeats = np.searchsorted(right, left, "right") - first
        starts = np.cumsum(repeats) - repeats
        matches = np.arange(repeats.sum()) + np.repeat(first - starts, repeats)
        rows = np.repeat(left, repeats)
        codes = np.repeat(codes, repeats) * len(column.values) + column.codes[matches]
    return rows, codes


def _named(
    features: tuple[str, ...],
    crossed: tuple[np.ndarray | None, np.ndarray],
    columns: Sequence[_Column],
    wanted: Sequence[SliceSpec],
) -> Membership:
    rows, codes = crossed
    sizes = [len(column.values) for column in columns]
    possible = int(np.prod(sizes))
    if possible <= max(4 * len(codes), 1024):
        present = np.flatnonzero(np.bincount(codes, minlength=possible))
        dense = np.zeros(possible, np.int64)
        dense[present] = np.arange(len(present))
        codes = dense[codes]
    else:
        present, codes = np.unique(codes, return_inverse=True)
    digits = np.unravel_index(present, sizes)
    values = [
        [column.values[digit] for digit in of_column]
        for column, of_column in zip(columns, digits, strict=True)
    ]
    keys: list[SliceKey] = [
        tuple(zip(features, crossing, strict=True)) for crossing in zip(*values, strict=True)
    ]
    if all(spec.only for spec in wanted):
        keep = np.array([any(spec.holds(key) for spec in wanted) for key in keys], bool)
        inside = keep[codes]
        rows = np.flatnonzero(inside) if rows is None else rows[inside]
        codes = (np.cumsum(keep) - 1)[codes[inside]]
        keys = [key for key, kept in zip(keys, keep, strict=True) if kept]
    return Membership(keys, rows, codes)
