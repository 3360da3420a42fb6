"""Finds the rows of people in batches, and tells quickly where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..list_columns import rows_of_values, values_of
from ..privacy_methods.contract import is_text
from .marks import Marks

_MOST_NEEDLES = 64
"""Beyond, decoding the rows takes less time than the search for each needle."""


@dataclass(frozen=True)
class Wanted:
    """``pseudonyms``: for each rule, a field's name or a pattern of names, the values that are
    sought, the first rule that matches counts; ``mentions``: what is sought inside of texts."""

    pseudonyms: Mapping[str, frozenset[bytes]]
    mentions: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, people: Iterable[Marks]) -> Wanted:
        """The subject fields of these people."""
        return cls(_merged(marks.pseudonyms for marks in people))

    @classmethod
    def elsewhere(cls, people: Iterable[Marks]) -> Wanted:
        """What stands for these people in other fields and in texts."""
        people = list(people)
        mentions = frozenset().union(*(marks.mentions for marks in people))
        return cls(_merged(marks.elsewhere for marks in people), mentions)

    def may_be_in(self, data: bytes) -> bool:
        """Whether serialized rows may hold any of it; False is certain."""
        needles = self.mentions.union(*self.pseudonyms.values())
        return len(needles) > _MOST_NEEDLES or any(needle in data for needle in needles)

    def values_of(self, field: str) -> frozenset[bytes]:
        """What is sought in a field."""
        if field in self.pseudonyms:
            return self.pseudonyms[field]
        matching = (x for rule, x in self.pseudonyms.items() if fnmatchcase(field, rule))
        return next(matching, frozenset())

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """A bool for each row: whether a field of it has one of its ``pseudonyms`` as a value."""
        found = np.zeros(batch.num_rows, bool)
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if (wanted := self.values_of(name)) and is_text(values_of(column).type):
                found[rows_of_values(column)[is_among(values_of(column), wanted)]] = True
        return found


def is_among(values: pa.Array, wanted: frozenset[bytes]) -> np.ndarray:
    """A bool for each text."""
    among = pa.array(sorted(wanted), pa.large_binary())
    found = pc.is_in(values.cast(pa.large_binary()), value_set=among)
    return found.to_numpy(zero_copy_only=False)


def _merged(kinds: Iterable[Mapping[str, frozenset[bytes]]]) -> dict[str, frozenset[bytes]]:
    merged: dict[str, frozenset[bytes]] = {}
    for kind in kinds:
        for rule, values in kind.items():
            merged[rule] = merged.get(rule, frozenset()) | values
    return merged
