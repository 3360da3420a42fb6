"""What a request has found, until its receipt says so: a killed one goes on from here."""

from __future__ import annotations

from collections.abc import Mapping

from apache_beam.io.filesystems import FileSystems

from ..reports import Report
from .receipts import read_bytes, write_bytes


class Pending(Report):
    """A request that has no receipt yet.

    Attributes:
      rows: place -> rows of the person that were found there.
      spans: spans of the history, and ``baseline``, whose documents must be made anew.
      learned: those of them whose training rows held the person.
    """

    rows: dict[str, int] = {}
    spans: frozenset[str] = frozenset()
    learned: frozenset[str] = frozenset()

    def found(
        self, rows: Mapping[str, int], spans: frozenset[str], learned: frozenset[str]
    ) -> Pending:
        """With what another search has found: where the request had been already, less."""
        most = {place: max(n, self.rows.get(place, 0)) for place, n in rows.items()}
        return Pending(
            rows=self.rows | most, spans=self.spans | spans, learned=self.learned | learned
        )


class PendingFile:
    """The pending state of one kind of request for one person."""

    def __init__(self, history_root: str, request: str, tag: str):
        self._path = f"{history_root.rstrip('/')}/subjects/pending/{request}-{tag}.json"

    def load(self) -> Pending:
        """An empty one where there is none."""
        if not FileSystems.exists(self._path):
            return Pending()
        return Pending.model_validate_json(read_bytes(self._path))

    def save(self, pending: Pending) -> None:
        write_bytes(self._path, pending.model_dump_json(indent=1).encode())

    def clear(self) -> None:
        if FileSystems.exists(self._path):
            FileSystems.delete([self._path])
