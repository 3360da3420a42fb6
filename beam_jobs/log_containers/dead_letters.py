"""Dead letters of an earlier run: their records again, as they were in the logs."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from . import csv_rows, json_records
from .contract import Chunk, Extent, Record


class _Letter(NamedTuple):
    file: str
    offset: int
    rows: list[int] | None
    data: bytes


@dataclass
class Letters(Chunk):
    """Each record is of the file and offset that its letter names."""

    letters: list[_Letter | None] = field(default_factory=list)

    def source(self, i: int, extent: Extent) -> tuple[str, int]:
        letter = self.letters[i]
        return (letter.file, letter.offset) if letter else super().source(i, extent)

    def only_rows(self, i: int) -> list[int] | None:
        letter = self.letters[i]
        return letter.rows if letter else None

    def raw(self, i: int) -> bytes:
        letter = self.letters[i]
        return letter.data if letter else super().raw(i)


def read(extent: Extent, is_csv: Callable[[str], bool]) -> Iterator[Letters]:
    """The records in the lines of ``dead_letters-*.jsonl.gz``.

    A line that is no letter, or whose record was not kept (PIIPseudonymizer keeps none), is
    damaged (``no_dead_letter``).

    Args:
      is_csv: tells of a file's path whether its records are rows of CSV.
    """
    for chunk in json_records.read(extent):
        ready = Letters([], [])
        for i, line in enumerate(chunk.records):
            letter = _letter(line)
            ready.offsets.append(chunk.offsets[i])
            ready.letters.append(letter)
            ready.records.append(_record(letter, is_csv) if letter else chunk.raw(i))
            if letter is None:
                yield Letters(ready.offsets, ready.records, "no_dead_letter", letters=ready.letters)
                ready = Letters([], [])
        if ready.records:
            yield ready


def _letter(line: Record) -> _Letter | None:
    try:
        found = orjson.loads(line) if type(line) is bytes else line
        data = base64.b64decode(found["bytes"], validate=True)
        rows = found.get("rows")
        if not (rows is None or all(type(row) is int for row in rows)):
            return None
        return _Letter(str(found["file"]), int(found["offset"]), rows, data)
    except (ValueError, TypeError, KeyError):
        return None


def _record(letter: _Letter, is_csv: Callable[[str], bool]) -> Record:
    if is_csv(letter.file):
        rows = [x for chunk in csv_rows.records(iter([letter.data + b"\n"])) for x in chunk.records]
        return rows[0] if len(rows) == 1 else letter.data
    return letter.data
