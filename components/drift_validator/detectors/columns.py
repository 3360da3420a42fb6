"""Columns of two samples of rows as numbers that ranks, correlations and trees can work with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from .contract import Rows

MOSTLY_DISTINCT = 0.5
IDENTIFIERS = 0.95
VECTOR_COLUMNS = 32


@dataclass(frozen=True)
class Column:
    """One value a row, those of the baseline first; NaN where it is missing.

    Attributes:
      feature: the feature it is made of.
      values: of numbers the mid-rank among all rows, as a share of them; of categories a code,
        0 for the most frequent.
      categories: how many codes there are; None of numbers.
    """

    feature: str
    values: np.ndarray
    categories: int | None = None


def sampled(rows: Rows, most: int) -> Rows:
    """At most ``most`` rows a side, always the same ones."""
    return replace(rows, baseline=_sample(rows.baseline, most), current=_sample(rows.current, most))


def encoded(rows: Rows) -> list[Column]:
    """The columns that tell something, in alphabetical order.

    Left out: columns of one value, texts that are mostly distinct (their length stays) and
    integers that nearly all are, such as row numbers and exact times; of a list its length stays,
    and where all have one length its first ``VECTOR_COLUMNS`` numbers.
    """
    known = set(rows.baseline.column_names) & set(rows.current.column_names)
    return [
        column
        for name in sorted(known.intersection(rows.columns))
        for column in _encoded(
            name, *(_array(side[name]) for side in (rows.baseline, rows.current))
        )
        if not _is_constant(column.values)
    ]


def _sample(table: pa.Table, most: int) -> pa.Table:
    if table.num_rows <= most:
        return table
    places = np.random.default_rng(table.num_rows).choice(table.num_rows, most, replace=False)
    return table.take(np.sort(places))


def _encoded(name: str, baseline: pa.Array, current: pa.Array) -> Iterator[Column]:
    if _is_list(baseline.type) and _is_list(current.type):
        lengths = [pc.list_value_length(side) for side in (baseline, current)]
        longest = max(pc.max(side).as_py() or 0 for side in lengths)
        if longest <= 1:
            yield from _encoded(name, *(_first(side, 0) for side in (baseline, current)))
            return
        yield _numbers(name, *lengths)
        shortest = min(pc.min(side).as_py() or 0 for side in lengths)
        if shortest == longest and _is_number(baseline.type.value_type):
            for i in range(min(longest, VECTOR_COLUMNS)):
                yield _numbers(name, _first(baseline, i), _first(current, i))
    elif _is_number(baseline.type) and _is_number(current.type):
        integers = pa.types.is_integer(baseline.type) and pa.types.is_integer(current.type)
        if not (integers and _distinct(baseline, current) >= IDENTIFIERS):
            yield _numbers(name, baseline, current)
    elif _is_text(baseline.type) and _is_text(current.type):
        if _distinct(baseline, current) < MOSTLY_DISTINCT:
            yield _categories(name, baseline, current)
        else:
            yield _numbers(name, *(pc.binary_length(side) for side in (baseline, current)))


def _numbers(name: str, baseline: pa.Array, current: pa.Array) -> Column:
    values = np.concatenate(
        [
            pc.cast(side, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            for side in (baseline, current)
        ]
    )
    known = ~np.isnan(values)
    ranks = np.full(len(values), np.nan)
    ranks[known] = (stats.rankdata(values[known]) - 0.5) / max(1, known.sum())
    return Column(name, ranks)


def _categories(name: str, baseline: pa.Array, current: pa.Array) -> Column:
    kind = pa.large_binary()
    both = pa.concat_arrays([side.cast(kind) for side in (baseline, current)]).dictionary_encode()
    codes = pc.fill_null(both.indices, -1).to_numpy(zero_copy_only=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(both.dictionary))
    texts = both.dictionary.to_pylist()
    order = np.array(sorted(range(len(texts)), key=lambda i: (-counts[i], texts[i])), int)
    place = np.empty(len(order) + 1)
    place[order] = np.arange(len(order))
    place[-1] = np.nan
    return Column(name, place[codes], len(order))


def _distinct(baseline: pa.Array, current: pa.Array) -> float:
    """The share of values that are distinct, on the side that has more rows."""
    shares = [
        pc.count_distinct(side).as_py() / max(1, len(side) - side.null_count)
        for side in (baseline, current)
    ]
    return shares[int(len(current) > len(baseline))]


def _first(column: pa.Array, place: int) -> pa.Array:
    """The value at ``place`` of each list; null where it is shorter."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    starts = np.cumsum(lengths) - lengths
    return column.flatten().take(pa.array(starts + place, mask=lengths <= place))


def _array(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], whole.type)
    return whole.dictionary_decode() if pa.types.is_dictionary(whole.type) else whole


def _is_constant(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return len(known) == 0 or bool(np.isnan(values).sum() == 0 and (known == known[0]).all())


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _is_text(kind: pa.DataType) -> bool:
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )
