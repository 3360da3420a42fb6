"""What a request has found, until its receipt says so: a killed one goes on from here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from apache_beam.io.filesystems import FileSystems

from ..reports import Report
from .whole_files import read_bytes, write_bytes


class Pending(Report):
    """A request that has no receipt yet.

    Attributes:
      asked: when the request was first made.
      rows: place -> rows of the person that were found there.
      mentions: place -> rows of others that mention the person.
      spans: spans of the history, and ``baseline``, whose documents must be made anew.
      learned: those of them whose training rows held the person.
    """

    asked: datetime | None = None
    rows: dict[str, int] = {}
    mentions: dict[str, int] = {}
    spans: frozenset[str] = frozenset()
    learned: frozenset[str] = frozenset()

    def joined(self, other: Pending) -> Pending:
        """What this search and an ``other`` one have found: less, where an edit came between."""
        return Pending(
            asked=self.asked,
            rows=_most(self.rows, other.rows),
            mentions=_most(self.mentions, other.mentions),
            spans=self.spans | other.spans,
            learned=self.learned | other.learned,
        )


def _most(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {place: max(one.get(place, 0), other.get(place, 0)) for place in {**one, **other}}


class PendingFile:
    """The pending state of one kind of request for one person."""

    def __init__(self, history_root: str, request: str, tag: str):
        self._path = f"{history_root.rstrip('/')}/subjects/pending/{request}-{tag}.json"

    def load(self, now: datetime) -> Pending:
        """What a killed request has left, or that it was first made ``now``."""
        if not FileSystems.exists(self._path):
            return Pending(asked=now)
        return Pending.model_validate_json(read_bytes(self._path))

    def save(self, pending: Pending) -> None:
        write_bytes(self._path, pending.model_dump_json(indent=1).encode())

    def clear(self) -> None:
        if FileSystems.exists(self._path):
            FileSystems.delete([self._path])
