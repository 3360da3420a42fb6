"""What every container of records promises: all that can be read of a file, in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

CHUNK_BYTES = 4 << 20
CHUNK_RECORDS = 4096
MAX_RECORD_BYTES = 128 << 20
"""A longer record is damaged (``too_long``); the first of its bytes stand for it."""

Record = bytes | dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """The part of a file that is read: whole, or a piece of a large file of plain lines.

    file: the file's number among the inputs of the job. size: of the file when it was listed;
    what is appended later is not read. A record belongs to the extent [start, end) that its
    first byte lies in. written: when the file was last written to, in microseconds since the
    epoch. growing: that was after the window's end, so that a record which the file ends in the
    midst of is one of a later window.
    """

    file: int
    path: str
    start: int
    end: int
    size: int
    written: int = 0
    growing: bool = False


@dataclass
class Chunk:
    """Successive records of one file.

    offsets: where each record begins: bytes in the decompressed file; in Parquet and Avro the
      number of its row.
    records: bytes as they lie in the file, or a dict where the container itself knows fields.
    damage: None, or why the last record could not be told apart: it is what is left of the file,
      or of a part of it that cannot be decoded.
    cut: the file ends within the last record, or may do so.
    """

    offsets: Sequence[int]
    records: list[Record]
    damage: str | None = None
    cut: bool = False

    def source(self, i: int, extent: Extent) -> tuple[str, int]:
        """The file that the record was logged in, and its offset there."""
        return extent.path, self.offsets[i]

    def only_rows(self, i: int) -> list[int] | None:
        """The rows of the record that are wanted, where not all of them are."""
        return None

    def raw(self, i: int) -> bytes:
        """The record's own bytes; a dict, whose bytes are not its own, as JSON."""
        record = self.records[i]
        return record if type(record) is bytes else orjson.dumps(record, default=str)


ReadContainer = Callable[[Extent], Iterator[Chunk]]
"""Reads the records of an extent.

It raises only what the filesystem raises for a file that cannot be opened or read: damage costs
the damaged records alone, and nothing that a file holds makes it hang or grow without bound.
"""
