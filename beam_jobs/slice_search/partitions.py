"""The conditions on one feature that a slice can be made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..slices import slice_name

_DIGITS = 4
_MOST_CODES = 24


@dataclass(frozen=True)
class Partition:
    """One feature's values in cells, and conditions that each take some of the cells.

    Attributes:
      cells: the cell of each row, int64 [n].
      conditions: what each condition says.
      members: the cells that each condition takes, bool [conditions, cells].
    """

    feature: str
    cells: np.ndarray
    conditions: tuple[str, ...]
    members: np.ndarray

    @property
    def size(self) -> int:
        """The number of cells."""
        return self.members.shape[1]

    def holds(self, condition: int) -> np.ndarray:
        """Whether the condition holds in each row, bool [n]."""
        return self.members[condition, self.cells]


def partition(
    feature: str, lists: pa.Array, quantiles: int, most_values: int, min_rows: int
) -> Partition | None:
    """The conditions that hold in at least ``min_rows`` rows and fail in at least as many.

    A number with few values and a category are taken value by value, the rare values together;
    other numbers by ranges between quantiles. A row without a value is missing.

    Args:
      lists: a list column with at most one value a row.

    Returns:
      None where no condition is left, as in a column of identifiers.
    """
    lengths = pc.fill_null(lists.value_lengths(), 0).to_numpy(zero_copy_only=False)
    present = lengths > 0
    values = lists.flatten()
    cells = np.zeros(len(lists), np.int64)  # cell 0: missing
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers = values.to_numpy(zero_copy_only=False)
        if not pa.types.is_integer(values.type):
            present[present] = finite = np.isfinite(numbers)
            numbers = numbers[finite]
        found = np.unique(numbers)
        if len(found) > max(_MOST_CODES, quantiles):
            edges = _edges(numbers, quantiles)
            cells[present] = 1 + np.searchsorted(edges, numbers, "right")
            named = _ranges(feature, edges, quantiles)
        else:
            cells[present] = 1 + np.searchsorted(found, numbers)
            named = _values(feature, found.tolist(), cells, most_values, min_rows)
    else:
        encoded = values.dictionary_encode()
        cells[present] = 1 + encoded.indices.to_numpy(zero_copy_only=False)
        named = _values(feature, encoded.dictionary.to_pylist(), cells, most_values, min_rows)
    named.append((f"{feature} is missing", [0]))
    return _compact(feature, cells, named, min_rows)


def _edges(numbers: np.ndarray, quantiles: int) -> np.ndarray:
    """Inner quantiles, rounded: nobody wants to read all digits, and none is a row's own."""
    inner = np.quantile(numbers, np.arange(1, quantiles) / quantiles)
    return np.unique([float(f"{edge:.{_DIGITS}g}") for edge in inner])


def _ranges(feature: str, edges: np.ndarray, quantiles: int) -> list[tuple[str, Sequence[int]]]:
    """Dyadic ranges: halves, quarters, ... of the cells between edges; cell 0 is in none."""
    parts = len(edges) + 1
    named = {}
    width = quantiles // 2
    while width:
        for start in range(0, parts, width):
            stop = min(start + width, parts)
            lower = f"{edges[start - 1]:.{_DIGITS}g} <= " if start else ""
            upper = f" < {edges[stop - 1]:.{_DIGITS}g}" if stop < parts else ""
            if lower or upper:
                named[f"{lower}{feature}{upper}"] = range(1 + start, 1 + stop)
        width //= 2
    return list(named.items())


def _values(
    feature: str, found: Sequence, cells: np.ndarray, most_values: int, min_rows: int
) -> list[tuple[str, Sequence[int]]]:
    counts = np.bincount(cells, minlength=len(found) + 1)[1:]
    order = np.argsort(-counts, kind="stable")
    frequent = [int(i) for i in order[:most_values] if counts[i] >= min_rows]
    rest = np.setdiff1d(np.arange(len(found)), frequent)
    named = [(slice_name([(feature, found[i])]), [1 + i]) for i in frequent]
    return [*named, (f"{feature} is a rare value", 1 + rest)]


def _compact(
    feature: str, cells: np.ndarray, named: list[tuple[str, Sequence[int]]], min_rows: int
) -> Partition | None:
    """Only conditions of enough rows, and only the cells that these tell apart."""
    counts = np.bincount(cells, minlength=1 + max(max(taken, default=0) for _, taken in named))
    taking = [(name, np.asarray(taken, np.int64)) for name, taken in named]
    kept = [
        (name, taken)
        for name, taken in taking
        if min_rows <= counts[taken].sum() <= len(cells) - min_rows
    ]
    if not kept:
        return None
    members = np.zeros((len(kept), len(counts)), bool)
    for row, (_, taken) in enumerate(kept):
        members[row, taken] = True
    members, merged = np.unique(members, axis=1, return_inverse=True)
    return Partition(feature, merged.ravel()[cells], tuple(name for name, _ in kept), members)
