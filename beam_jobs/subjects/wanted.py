"""Finds the rows of people in batches, and tells quickly where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    """``pseudonyms``: for each field the values that are sought; ``mentions``: what is sought
    inside of texts as well."""

    pseudonyms: Mapping[str, frozenset[bytes]]
    mentions: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, people: Iterable[Marks]) -> Wanted:
        """The subject fields of these people."""
        return cls(_merged(marks.pseudonyms for marks in people))

    @classmethod
    def anywhere(cls, people: Iterable[Marks]) -> Wanted:
        """All that stands for these people, in whichever field."""
        people = list(people)
        fields = _merged(kind for marks in people for kind in (marks.pseudonyms, marks.elsewhere))
        return cls(fields, frozenset().union(*(marks.mentions for marks in people)))

    def may_be_in(self, data: bytes) -> bool:
        """Whether serialized rows may hold any of it; False is certain."""
        needles = self.mentions.union(*self.pseudonyms.values())
        if len(needles) > _MOST_NEEDLES:
            return True
        return any(form in data for needle in needles for form in _forms(needle))

    def rows(self, batch: pa.RecordBatch) -> np.ndarray:
        """A bool for each row: whether a field of it has one of its ``pseudonyms`` as a value."""
        found = np.zeros(batch.num_rows, bool)
        for name, wanted in self.pseudonyms.items():
            place = batch.schema.get_field_index(name)
            if place >= 0 and wanted:
                column = batch.column(place)
                found[rows_of_values(column)[is_among(values_of(column), wanted)]] = True
        return found


def is_among(values: pa.Array, wanted: frozenset[bytes]) -> np.ndarray:
    """A bool for each value; numbers are compared as their decimal text."""
    if not is_text(values.type):
        values = values.cast(pa.string())
    among = pa.array(sorted(wanted), pa.large_binary())
    found = pc.is_in(values.cast(pa.large_binary()), value_set=among)
    return found.to_numpy(zero_copy_only=False)


def _merged(kinds: Iterable[Mapping[str, frozenset[bytes]]]) -> dict[str, frozenset[bytes]]:
    merged: dict[str, frozenset[bytes]] = {}
    for kind in kinds:
        for name, values in kind.items():
            merged[name] = merged.get(name, frozenset()) | values
    return merged


def _forms(needle: bytes) -> list[bytes]:
    """How a value may be written in a tf.Example: its bytes, or an int64 as a base-128 varint
    (Protocol Buffers, encoding)."""
    number = int(needle) if needle.lstrip(b"-").isdigit() else None
    if number is None or not -(2**63) <= number < 2**63:
        return [needle]
    rest, varint = number % 2**64, bytearray()
    while rest > 0x7F:
        varint.append(rest & 0x7F | 0x80)
        rest >>= 7
    return [needle, bytes([*varint, rest])]
