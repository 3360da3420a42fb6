"""What is counted of one feature, batch by batch, on the whole and in each slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import category_counts, number_counts
from .categories import BUCKETS, SLICE_BUCKETS
from .category_counts import CategoryCounts, Words
from .columns import Column, Kind
from .groups import Order, order_by
from .number_counts import NumberCounts, Numbers
from .population import LENGTH, NORM, TEXT_LENGTH, TOKEN, VALUE

PROJECTIONS = 4
_TOKENS = "tokens"
_WHOLE = np.zeros(1, np.int64)
Counts = NumberCounts | CategoryCounts


class BatchSlices:
    """The slices of a batch's rows.

    Args:
      crossings: of each crossing the slice of every row (-1: none) by a number of the batch,
        and the numbers that the slices have among all.
      number: how many slices there are among all.
    """

    def __init__(self, crossings: Sequence[tuple[np.ndarray, np.ndarray]], number: int, rows: int):
        self.number = number
        self.rows = rows
        self._crossings = crossings
        self._of_rows = self._orders(None)

    def of_values(self, rows: np.ndarray | None) -> list[tuple[Order, np.ndarray]]:
        """For each crossing the order of values that lie in ``rows``, and the slices' numbers."""
        return self._of_rows if rows is None else self._orders(rows)

    def _orders(self, rows: np.ndarray | None) -> list[tuple[Order, np.ndarray]]:
        found = []
        for codes, numbers in self._crossings:
            order = order_by(codes if rows is None else codes[rows])
            if len(order.groups):
                found.append((order, numbers[order.groups]))
        return found


@dataclass
class FeatureCounts:
    """Counts by aspect; those of a vector's aspects are kept by its length (``norm@3``)."""

    kind: Kind | None = None
    whole: dict[str, Counts] = field(default_factory=dict)
    slices: dict[str, Counts] = field(default_factory=dict)

    def add(self, name: str, column: Column, slices: BatchSlices, is_code: bool) -> None:
        """Counts a batch's column.

        Args:
          is_code: numbers are categories.

        Raises:
          ValueError: the column held text before and holds numbers now, or the reverse.
        """
        self.kind = joined_kind(name, self.kind, column.kind)
        self._add_lengths(column, slices)
        if column.kind is None:
            return
        if column.kind == "STRING" or is_code:
            words = Words.of(column.codes, column.texts)
            self._add_words(VALUE, words, column.rows, slices)
            if column.kind == "STRING":
                self._add_text(words, column, slices)
        else:
            self._add_numbers(VALUE, column.numbers, column.rows, slices)
            self._add_vector(column, slices)

    def merge(self, name: str, other: FeatureCounts, numbers: np.ndarray, slices: int) -> None:
        """Adds another's counts; ``numbers``: of its slices here, -1 for those to leave out."""
        self.kind = joined_kind(name, self.kind, other.kind)
        for aspect, counts in other.whole.items():
            self._put(self.whole, aspect, [(counts, _WHOLE)], 1)
        for aspect, counts in other.slices.items():
            known = numbers[: counts.groups]
            kept = np.flatnonzero(known >= 0)
            self._put(self.slices, aspect, [(counts.of(kept), known[kept])], slices)

    def _add_lengths(self, column: Column, slices: BatchSlices) -> None:
        rows = column.present
        if column.lengths is not None:
            self._add_numbers(LENGTH, column.lengths.astype(np.float64), rows, slices)
            return
        number = slices.rows if rows is None else len(rows)
        self._put(self.whole, LENGTH, [(number_counts.constant(1, np.array([number])), _WHOLE)], 1)
        parts = [
            (number_counts.constant(1, order.sizes), numbers)
            for order, numbers in slices.of_values(rows)
        ]
        self._put(self.slices, LENGTH, parts, slices.number)

    def _add_numbers(
        self, aspect: str, values: np.ndarray, rows: np.ndarray | None, slices: BatchSlices
    ) -> None:
        nan = np.isnan(values)
        lost = int(np.count_nonzero(nan))
        if lost:
            rows = np.arange(len(values)) if rows is None else rows
            without = rows[nan]
            values, rows = values[~nan], rows[~nan]
        numbers = Numbers(values, self.whole[aspect].level if aspect in self.whole else 0)
        self._put(self.whole, aspect, [(numbers.whole(lost), _WHOLE)], 1)
        parts = [(numbers.by_group(order), known) for order, known in slices.of_values(rows)]
        if lost:
            parts += [
                (number_counts.only_nan(order.sizes), known)
                for order, known in slices.of_values(without)
            ]
        self._put(self.slices, aspect, parts, slices.number)

    def _add_words(
        self, aspect: str, words: Words, rows: np.ndarray | None, slices: BatchSlices
    ) -> None:
        counted = words.counted(
            None, BUCKETS, category_counts.most_listed(1), _followed(self.whole.get(aspect))
        )
        self._put(self.whole, aspect, [(counted, _WHOLE)], 1)
        most = category_counts.most_listed(slices.number)
        followed = _followed(self.slices.get(aspect))
        parts = [
            (words.counted(order, SLICE_BUCKETS, most, followed), known)
            for order, known in slices.of_values(rows)
        ]
        self._put(self.slices, aspect, parts, slices.number)

    def _add_text(self, words: Words, column: Column, slices: BatchSlices) -> None:
        """Characters and words of texts most of which are different."""
        if 2 * np.count_nonzero(words.counts) <= len(words.codes):
            return
        texts = pa.array(words.values, pa.large_binary()).cast(pa.large_string())
        lengths = pc.utf8_length(texts).to_numpy().astype(np.float64)
        self._add_numbers(TEXT_LENGTH, lengths[words.codes], column.rows, slices)
        tokens = pc.utf8_split_whitespace(texts)
        many = tokens.value_lengths().to_numpy()
        if many.sum() < 2 * len(texts):
            return
        encoded = tokens.flatten().dictionary_encode()
        codes = encoded.indices.to_numpy()
        ends = np.cumsum(many)
        of_text = many[words.codes]
        self._add_numbers(_TOKENS, of_text.astype(np.float64), column.rows, slices)
        places = np.arange(of_text.sum()) - np.repeat(np.cumsum(of_text) - of_text, of_text)
        places += np.repeat((ends - many)[words.codes], of_text)
        rows = np.arange(len(words.codes)) if column.rows is None else column.rows
        found = Words.of(codes[places], encoded.dictionary.cast(pa.large_binary()))
        self._add_words(TOKEN, found, np.repeat(rows, of_text), slices)

    def _add_vector(self, column: Column, slices: BatchSlices) -> None:
        """Norm and projections of lists that all have the same length."""
        lengths = column.lengths
        if lengths is None or not len(lengths) or lengths[0] < 2 or (lengths != lengths[0]).any():
            return
        width = int(lengths[0])
        vectors = column.numbers.reshape(-1, width)
        with np.errstate(over="ignore", invalid="ignore"):
            seen = {NORM: np.linalg.norm(vectors, axis=1)}
            projected = vectors @ directions(width)
        seen |= {f"projection_{i}": projected[:, i] for i in range(PROJECTIONS)}
        for aspect, values in seen.items():
            self._add_numbers(f"{aspect}@{width}", values, column.present, slices)

    def _put(
        self,
        where: dict[str, Counts],
        aspect: str,
        parts: Sequence[tuple[Counts, np.ndarray]],
        groups: int,
    ) -> None:
        before = where.get(aspect)
        if before is not None:
            parts = [(before, np.arange(before.groups)), *parts]
        if not parts:
            return
        if isinstance(parts[0][0], NumberCounts):
            where[aspect] = number_counts.merged(parts, groups)
        else:
            buckets = BUCKETS if where is self.whole else SLICE_BUCKETS
            where[aspect] = category_counts.merged(parts, groups, buckets)


def joined_kind(name: str, one: Kind | None, other: Kind | None) -> Kind | None:
    """The kind of a column whose batches are of two kinds."""
    if one == other or other is None:
        return one
    if one is None:
        return other
    if "STRING" in (one, other):
        raise ValueError(
            f"column {name!r} holds text in some rows and numbers in others; convert one"
        )
    return "FLOAT"


@lru_cache(maxsize=16)
def directions(width: int) -> np.ndarray:
    """Random unit vectors, the same for each list of this length; shape [width, PROJECTIONS]."""
    vectors = np.random.Generator(np.random.PCG64(width)).normal(size=(width, PROJECTIONS))
    return vectors / np.linalg.norm(vectors, axis=0)


def known_aspects(counts: Mapping[str, Counts], group: int) -> dict[str, Counts]:
    """What was measured on all of the group's values, by aspect.

    Aspects of texts and vectors are measured only in batches where the column looks the part.
    """
    here = {aspect: found for aspect, found in counts.items() if found.total(group)}
    complete = {LENGTH: here[LENGTH]} if LENGTH in here else {}
    for aspect, found in here.items():
        name, _, width = aspect.partition("@")
        whole = here[LENGTH] if width else here.get(VALUE)
        if name == TOKEN:
            found = here[_TOKENS]
        if name != _TOKENS and whole and found.total(group) == whole.total(group):
            complete[name] = here[aspect]
    return complete


def _followed(before: Counts | None) -> np.ndarray | None:
    if before is None or before.buckets is None:
        return None
    return before.hashes
