"""Categories counted group by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .categories import Categories, bucket_of, value_hashes
from .groups import Order

NOT_UTF8 = b"__BYTES_VALUE__"
"""What TFDV calls values that are no text; they are one category."""

_MOST_LISTED = 8192
_MOST_CELLS = 1 << 20
_FEWEST_LISTED = 256
_SKETCH = 1024


@dataclass(frozen=True, eq=False)
class CategoryCounts:
    """Of each group the counts of the values that were followed from the first row on.

    Attributes:
      hashes, values: of those values, by ascending hash.
      counts: shape [groups, values].
      buckets: counts of all values, shape [groups, buckets]; None while all values are listed.
      lengths: sum of the values' lengths in bytes, by group.
      smallest: the smallest hashes of all values, from which their number is estimated.
    """

    hashes: np.ndarray
    values: np.ndarray
    counts: np.ndarray
    buckets: np.ndarray | None
    lengths: np.ndarray
    smallest: np.ndarray

    @property
    def groups(self) -> int:
        return len(self.counts)

    @cached_property
    def totals(self) -> np.ndarray:
        """The groups' numbers of values."""
        return (self.counts if self.buckets is None else self.buckets).sum(axis=1)

    def total(self, group: int) -> int:
        return int(self.totals[group]) if group < self.groups else 0

    def of(self, groups: np.ndarray) -> CategoryCounts:
        buckets = None if self.buckets is None else self.buckets[groups]
        return replace(
            self, counts=self.counts[groups], buckets=buckets, lengths=self.lengths[groups]
        )

    def distinct(self) -> int:
        """How many different values there are; an estimate, off by about 3 %, where many are."""
        if self.buckets is None or len(self.smallest) < _SKETCH:
            return len(self.smallest) if self.buckets is not None else len(self.hashes)
        return max(int((_SKETCH - 1) / (float(self.smallest[-1]) / 2.0**64)), len(self.hashes))

    def categories(self, group: int, most_values: int) -> Categories:
        row = self.counts[group]
        used = np.flatnonzero(row)
        counts = row[used]
        buckets = None if self.buckets is None else self.buckets[group]
        rest = 0 if buckets is None else int(buckets.sum() - counts.sum())
        one_group = len(self.counts) == 1
        distinct = self.distinct() if one_group else len(used) + (rest > 0)
        found = Categories(
            self.values[used],
            self.hashes[used],
            counts,
            rest,
            buckets if rest else None,
            distinct,
        )
        return found.most_frequent(most_values)


@dataclass(frozen=True, eq=False)
class Words:
    """Encoded values of a batch, ready to be counted: of each value its place in a dictionary."""

    codes: np.ndarray
    hashes: np.ndarray
    values: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, texts: pa.Array) -> Words:
        """``texts``: the dictionary, as bytes; its values need not differ or occur."""
        counts = np.bincount(codes, minlength=len(texts))
        lengths = pc.binary_length(texts).to_numpy()
        values = texts.to_numpy(zero_copy_only=False)
        if not _is_text(texts):
            values = np.array([_readable(value) for value in values], object)
        return cls(codes, value_hashes(values), values, lengths, counts)

    def counted(
        self, order: Order | None, buckets: int, most: int, listed: np.ndarray | None
    ) -> CategoryCounts:
        """The counts of each group of ``order``, of the whole where that is None.

        Args:
          most: about how many values to list at most.
          listed: hashes of the values to list, where that is decided already.
        """
        used = np.flatnonzero(self.counts)
        hashes, first, at = np.unique(self.hashes[used], return_index=True, return_inverse=True)
        sums = np.bincount(at, self.counts[used])
        smallest = hashes[:_SKETCH]
        complete = listed is None and len(hashes) <= most
        if listed is not None:
            kept = np.flatnonzero(np.isin(hashes, listed, assume_unique=True))
        elif not complete:
            kept = np.sort(np.argsort(-sums, kind="stable")[:most])
        else:
            kept = np.arange(len(hashes))
        column = np.full(len(hashes) + 1, len(kept))
        column[kept] = np.arange(len(kept))
        columns = np.full(len(self.hashes), len(kept))
        columns[used] = column[at]
        bucket = None if complete else bucket_of(self.hashes, buckets)
        if order is None:
            counts = np.bincount(columns, self.counts, len(kept) + 1)[None]
            in_buckets = None if complete else np.bincount(bucket, self.counts, buckets)[None]
            lengths = np.array([self.counts @ self.lengths])
        else:
            counts = order.tally(columns[self.codes], len(kept) + 1)
            in_buckets = None if complete else order.tally(bucket[self.codes], buckets)
            lengths = np.add.reduceat(self.lengths[self.codes[order.places]], order.starts)
        return CategoryCounts(
            hashes[kept],
            np.array([value.decode() for value in self.values[used[first[kept]]]], object),
            counts[:, : len(kept)].astype(np.int64),
            None if in_buckets is None else in_buckets.astype(np.int64),
            lengths,
            smallest,
        )


def most_listed(groups: int) -> int:
    return int(np.clip(_MOST_CELLS // max(groups, 1), _FEWEST_LISTED, _MOST_LISTED))


def merged(
    parts: Sequence[tuple[CategoryCounts, np.ndarray]], groups: int, buckets: int
) -> CategoryCounts:
    """The counts of several parts together; listed stay values that each part has followed.

    Args:
      parts: counts, and which group of the result each of their groups is; none comes twice.
      buckets: their number where not all values are listed.
    """
    hashes, first = np.unique(np.concatenate([p.hashes for p, _ in parts]), return_index=True)
    names = np.concatenate([part.values for part, _ in parts])[first]
    counts = np.zeros((groups, len(hashes)), np.int64)
    lengths = np.zeros(groups, np.int64)
    followed = np.ones(len(hashes), bool)
    for part, rows in parts:
        at = np.searchsorted(hashes, part.hashes)
        if len(at) == len(hashes):
            counts[rows] += part.counts
        else:
            counts[rows[:, None], at] += part.counts
        lengths[rows] += part.lengths
        if part.buckets is not None:
            known = np.zeros(len(hashes), bool)
            known[at] = True
            followed &= known
    smallest = np.unique(np.concatenate([part.smallest for part, _ in parts]))[:_SKETCH]
    most = most_listed(groups)
    if followed.all() and len(hashes) <= most and all(p.buckets is None for p, _ in parts):
        return CategoryCounts(hashes, names, counts, None, lengths, smallest)
    in_buckets = np.zeros((groups, buckets), np.int64)
    for part, rows in parts:
        in_buckets[rows] += _buckets(part, buckets)
    kept = np.flatnonzero(followed)
    if len(kept) > most:
        sums = counts[:, kept].sum(axis=0)
        kept = np.sort(kept[np.argsort(-sums, kind="stable")[:most]])
    return CategoryCounts(hashes[kept], names[kept], counts[:, kept], in_buckets, lengths, smallest)


def _buckets(part: CategoryCounts, number: int) -> np.ndarray:
    if part.buckets is not None:
        return part.buckets
    sums = np.zeros((len(part.counts), number), np.int64)
    np.add.at(sums, (slice(None), bucket_of(part.hashes, number)), part.counts)
    return sums


def _is_text(values: pa.Array) -> bool:
    try:
        values.cast(pa.large_string())
    except pa.ArrowInvalid:
        return False
    return True


def _readable(value: bytes) -> bytes:
    try:
        value.decode()
    except UnicodeDecodeError:
        return NOT_UTF8
    return value
