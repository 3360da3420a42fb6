"""Erasure: the person's rows removed, and the person out of all other rows (GDPR Art. 17)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from operator import eq

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..list_columns import rows_of_values, values_of, with_values
from ..privacy_methods.contract import REDACTED, is_text
from .batch_edit import BatchEdit, Edited
from .marks import Marks
from .wanted import Wanted, is_among

_PSEUDONYM = r"v[0-9]+\.[0-9A-Za-z_-]+"
_INSIDE = rf"(?s)(?:.{_PSEUDONYM}|^{_PSEUDONYM}[^0-9A-Za-z_-])"
_MENTION = re.compile(rf"(?:\[([A-Z_]+):)?({_PSEUDONYM})\]?".encode())
_REDACTED = REDACTED.encode()


class Erase(BatchEdit):
    """Removes the rows of people, those with one of their pseudonyms in a subject field.

    Rows of others stay. Where such a row mentions one of them, in another pseudonymized field or
    by a span that the scanner pseudonymized in a text, the value becomes ``[REDACTED]`` and the
    span ``[EMAIL:v1.5c...]`` becomes ``[EMAIL]``.
    """

    def __init__(self, people: Iterable[Marks]):
        people = list(people)
        self._subjects = Wanted.of(people)
        self._elsewhere = Wanted.elsewhere(people)

    def may_touch(self, data: bytes) -> bool:
        return self._subjects.may_be_in(data) or self._elsewhere.may_be_in(data)

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
        wanted = self._elsewhere.mentions | self._elsewhere.values_of(name)
        hit = is_among(data, wanted)
        cleaned = pc.if_else(pa.array(hit), pa.scalar(_REDACTED, data.type), data)
        inside = pc.match_substring_regex(cleaned, _INSIDE).fill_null(False)
        at = np.flatnonzero(inside.to_numpy(zero_copy_only=False))
        texts = cleaned.take(pa.array(at)).to_pylist()
        anonymous = [_MENTION.sub(self._anonymous, text) for text in texts]
        is_same = np.fromiter(map(eq, texts, anonymous), bool, len(texts))
        hit[at[~is_same]] = True
        if not hit.any():
            return column
        changed[rows_of_values(column)[hit]] = True
        cleaned = pc.replace_with_mask(cleaned, inside, pa.array(anonymous, data.type))
        return with_values(column, cleaned.cast(values.type))

    def _anonymous(self, match: re.Match[bytes]) -> bytes:
        kind, pseudonym = match.groups()
        if pseudonym not in self._elsewhere.mentions:
            return match[0]
        return b"[%b]" % kind if kind else _REDACTED + b"]" * match[0].endswith(b"]")
