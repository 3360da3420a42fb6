"""Erasure: the person's rows removed, and the person out of all other rows (GDPR Art. 17)."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..list_columns import rows_of_values, values_of, with_values
from ..privacy_methods.contract import REDACTED, is_text
from .batch_edit import BatchEdit, Edited
from .marks import Marks
from .wanted import Wanted, is_among

_ALTERNATIVES = 100
"""As many as a pattern of RE2 may have in the memory that it gives itself."""


class Erase(BatchEdit):
    """Removes the rows of people, those with one of their pseudonyms in a subject field.

    Rows of others stay. Where such a row mentions one of them, in another pseudonymized field or
    by a span that the scanner pseudonymized in a text, the value becomes ``[REDACTED]`` and the
    span ``[EMAIL:v1.5c...]`` becomes ``[EMAIL]``.
    """

    def __init__(self, people: Iterable[Marks]):
        people = list(people)
        self._subjects = Wanted.of(people)
        self._anywhere = Wanted.anywhere(people)
        mentions = [re.escape(mention.decode()) for mention in sorted(self._anywhere.mentions)]
        self._patterns = [
            "|".join(mentions[start : start + _ALTERNATIVES])
            for start in range(0, len(mentions), _ALTERNATIVES)
        ]

    def may_touch(self, data: bytes) -> bool:
        return self._anywhere.may_be_in(data)

    def edit(self, batch: pa.RecordBatch) -> Edited:
        changed = np.zeros(batch.num_rows, bool)
        columns = [
            self._without(name, column, changed)
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        ]
        edited = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
        return Edited(edited, changed=changed, removed=self._subjects.rows(batch))

    def _without(self, name: str, column: pa.Array, changed: np.ndarray) -> pa.Array:
        values = values_of(column)
        if not is_text(values.type):
            return column
        data = values.cast(pa.large_binary())
        hit = is_among(data, self._anywhere.pseudonyms.get(name, frozenset()))
        cleaned = pc.if_else(pa.array(hit), pa.scalar(REDACTED.encode(), data.type), data)
        for pattern in self._patterns:
            held = pc.match_substring_regex(cleaned, pattern).fill_null(False)
            hit = hit | held.to_numpy(zero_copy_only=False)
            cleaned = pc.replace_substring_regex(cleaned, rf"\[([A-Z_]+):(?:{pattern})\]", r"[\1]")
            cleaned = pc.replace_substring_regex(cleaned, pattern, REDACTED)
        if not hit.any():
            return column
        changed[rows_of_values(column)[hit]] = True
        return with_values(column, cleaned.cast(values.type))
