"""Counts of categories: exact for the values listed, by hash bucket for all of them.

A list of the most frequent values alone is biased, for what one population lists another may not.
Here a value that is listed was counted from the first row to the last; every other value is
counted in the bucket of its hash, which is the same in every slice and span. So two populations
always have common cells with exact counts: a cell for each value that both know, and for each
bucket the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

MOST_VALUES = 1000
MOST_SLICE_VALUES = 256
BUCKETS = 1024
SLICE_BUCKETS = 128


@dataclass(frozen=True, eq=False)
class Categories:
    """How often each value occurs.

    Attributes:
      values: str, those listed, in the order of their hashes.
      counts: of the values listed, exact.
      rest: occurrences of all other values; 0 where all are listed.
      buckets: occurrences of all values, listed or not, by hash bucket; their number is a power
        of two. None where that is not known: where every value is listed (see ``in_buckets``),
        or in statistics that StatisticsGen computed.
      distinct: number of different values, estimated where not all are listed.
    """

    values: np.ndarray
    hashes: np.ndarray
    counts: np.ndarray
    rest: float = 0
    buckets: np.ndarray | None = None
    distinct: int = 0

    @classmethod
    def of(
        cls,
        values: Sequence[str],
        counts: Sequence[float],
        rest: float = 0,
        buckets: np.ndarray | None = None,
        distinct: int = 0,
    ) -> Categories:
        """From distinct values in any order."""
        values = np.array(values, object)
        hashes = value_hashes(values)
        order = np.argsort(hashes)
        counts = np.asarray(counts)[order]
        return cls(values[order], hashes[order], counts, rest, buckets, distinct or len(values))

    @property
    def total(self) -> float:
        return self.counts.sum() + self.rest

    @property
    def complete(self) -> bool:
        """Whether every value is listed, so that an absent one is known to have the count 0."""
        return not self.rest

    @property
    def comparable(self) -> bool:
        """Whether the counts of all values by bucket are known."""
        return self.complete or self.buckets is not None

    def in_buckets(self, number: int) -> np.ndarray:
        """Occurrences of all values in so many buckets, no more than there are.

        Raises:
          ValueError: where they are not known.
        """
        if not self.comparable:
            raise ValueError("statistics that list only the most frequent values have no buckets")
        if self.complete:
            return np.bincount(bucket_of(self.hashes, number), self.counts, number)
        return self.buckets.reshape(number, -1).sum(axis=1)

    def most_frequent(self, number: int) -> Categories:
        """The same counts with at most so many values listed; ties go by the hash."""
        if len(self.values) <= number:
            return self
        kept = np.sort(np.argsort(-self.counts, kind="stable")[:number])
        buckets = self.buckets
        if buckets is None and self.complete:
            buckets = self.in_buckets(BUCKETS)
        counts = self.counts[kept]
        rest = self.total - counts.sum()
        return Categories(
            self.values[kept], self.hashes[kept], counts, rest, buckets, self.distinct
        )


def merged(several: Sequence[Categories], most_values: int = MOST_VALUES) -> Categories:
    """All occurrences of several populations; at least one.

    Listed stay the values whose count is known in each of them.
    """
    if len(several) == 1:
        return several[0].most_frequent(most_values)
    hashes, values, counts, known = aligned(several)
    kept = known.all(axis=0)
    total = sum(each.total for each in several)
    sums = counts.sum(axis=0)[kept]
    rest = total - sums.sum()
    buckets = None
    if rest and all(each.comparable for each in several):
        number = min((len(e.buckets) for e in several if e.buckets is not None), default=BUCKETS)
        buckets = sum(each.in_buckets(number) for each in several)
    distinct = max(len(hashes), *(each.distinct for each in several))
    joined = Categories(values[kept], hashes[kept], sums, rest, buckets, distinct)
    return joined.most_frequent(most_values)


def aligned(
    several: Sequence[Categories],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Every value that any of them lists.

    Returns:
      Hashes and values; counts and whether they are known, both of shape [populations, values].
      What a population does not list counts 0, and is known where it lists everything.
    """
    hashes, first = np.unique(np.concatenate([each.hashes for each in several]), return_index=True)
    values = np.concatenate([each.values for each in several])[first]
    counts = np.zeros((len(several), len(hashes)), np.result_type(*(e.counts for e in several)))
    known = np.zeros(counts.shape, bool)
    for row, known_row, each in zip(counts, known, several, strict=True):
        at = np.searchsorted(hashes, each.hashes)
        row[at] = each.counts
        known_row[at] = True
        known_row |= each.complete
    return hashes, values, counts, known


def common_cells(several: Sequence[Categories]) -> tuple[np.ndarray, np.ndarray]:
    """The populations counted in the same cells, exactly.

    Returns:
      Names of the cells, None for what is left of a bucket, and counts of shape
      [populations, cells]; each row sums to the population's total. Empty buckets are no cells.

    Raises:
      ValueError: where a population's buckets are needed and not known.
    """
    hashes, values, counts, known = aligned(several)
    named = known.all(axis=0)
    if all(each.complete for each in several):
        return values, counts
    number = min((len(each.buckets) for each in several if each.buckets is not None), default=1)
    buckets = bucket_of(hashes[named], number)
    rests = np.array(
        [
            each.in_buckets(number) - np.bincount(buckets, row, number)
            for each, row in zip(several, counts[:, named], strict=True)
        ]
    )
    rests = rests[:, rests.any(axis=0)]
    names = np.append(values[named], np.full(rests.shape[1], None))
    return names, np.hstack([counts[:, named], rests])


def value_hashes(values: np.ndarray) -> np.ndarray:
    """64-bit hashes (SipHash) of an object array of str or bytes, equal in every process."""
    return pd.util.hash_array(values, categorize=False) if len(values) else np.zeros(0, np.uint64)


def bucket_of(hashes: np.ndarray, number: int) -> np.ndarray:
    """The bucket of each hash, by its highest bits; ``number`` is a power of two."""
    if number == 1:
        return np.zeros(len(hashes), np.int64)
    return (hashes >> np.uint64(64 - (number.bit_length() - 1))).astype(np.int64)
