"""Restriction: rows kept, and used for nothing (GDPR Art. 18)."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from .batch_edit import BatchEdit, Edited
from .marks import Marks
from .places import lifted_path, restricted_path
from .wanted import Wanted


class Restrict(BatchEdit):
    """Moves people's rows beside the data; see ``places``. For files of data, not restricted."""

    def __init__(self, people: Iterable[Marks]):
        self._wanted = Wanted.of(people)

    def may_touch(self, data: bytes) -> bool:
        return self._wanted.may_be_in(data)

    def edit(self, batch: pa.RecordBatch) -> Edited:
        theirs = self._wanted.rows(batch)
        return Edited(batch, removed=theirs, moved=theirs)

    def target(self, path: str, digest: str) -> str:
        return restricted_path(path, digest)


class Lift(Restrict):
    """Moves people's rows back to the data; for files of restricted rows."""

    def target(self, path: str, digest: str) -> str:
        return lifted_path(path, digest)
