"""The rows of a batch by slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .columns import Column

_TABLE = 1 << 20


@dataclass(frozen=True, eq=False)
class Order:
    """Values in the order of their groups.

    Attributes:
      places: of the values that are in a group, those of the first group first.
      sizes: number of values by group; none is empty.
      groups: the groups, ascending.
    """

    places: np.ndarray
    sizes: np.ndarray
    groups: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        return np.cumsum(self.sizes) - self.sizes

    def repeated(self, by_group: np.ndarray) -> np.ndarray:
        """For each value what its group has."""
        return np.repeat(by_group, self.sizes)

    def tally(self, codes: np.ndarray, number: int) -> np.ndarray:
        """How many values of each group have each code, shape [groups, number]."""
        at = self.repeated(np.arange(len(self.sizes)) * number)
        at += codes[self.places]
        return np.bincount(at, minlength=len(self.sizes) * number).reshape(-1, number)


def order_by(codes: np.ndarray) -> Order:
    """The values by ``codes``; those with a code below 0 are in no group."""
    small = codes.max(initial=0) < np.iinfo(np.int16).max
    places = np.argsort(codes.astype(np.int16) if small else codes, kind="stable")
    without = int((codes < 0).sum())
    sizes = np.bincount(codes[codes >= 0] if without else codes)
    groups = np.flatnonzero(sizes)
    return Order(places[without:], sizes[groups], groups)


def row_codes(
    columns: Mapping[str, Column], features: Sequence[str], rows: int
) -> tuple[np.ndarray, list[tuple[str, ...]]]:
    """The slice of each row by one crossing of features, and the slices' values in that order.

    A row that lacks one of the features is in no slice (-1); of several values the first counts.
    """
    codes, names = np.zeros(rows, np.int64), [()]
    for feature in features:
        found, texts = _codes(columns.get(feature), rows)
        codes = np.where((codes < 0) | (found < 0), -1, codes * len(texts) + found)
        names = _Crossed(names, texts)
        codes, used = _compact(codes)
        names = [names[code] for code in used.tolist()]
    return codes, names


@dataclass(frozen=True)
class _Crossed:
    left: Sequence[tuple[str, ...]]
    right: Sequence[str]

    def __getitem__(self, code: int) -> tuple[str, ...]:
        left, right = divmod(code, len(self.right))
        return (*self.left[left], self.right[right])


def _codes(column: Column | None, rows: int) -> tuple[np.ndarray, list[str]]:
    codes = np.full(rows, -1)
    if column is None or not len(column.values):
        return codes, [""]
    if column.rows is None:
        codes[:] = column.codes
    else:
        codes[column.rows[::-1]] = column.codes[::-1]  # the first value of a row stays
    return codes, [text.decode("utf-8", "replace") for text in column.texts.to_pylist()]


def _compact(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codes renumbered without gaps, and what the new ones were."""
    if codes.max(initial=0) < _TABLE:
        used = np.flatnonzero(np.bincount(codes + 1)[1:])
        new = np.full(codes.max(initial=0) + 2, -1)
        new[used + 1] = np.arange(len(used))
        return new[codes + 1], used
    used, new = np.unique(codes, return_inverse=True)
    if used[0] < 0:
        used, new = used[1:], new - 1
    return new, used
