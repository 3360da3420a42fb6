"""Log files to pieces of calls, keyed by request id; what cannot be read to dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.pvalue import TaggedOutput

from .ingest_account import COUNTS, DEAD_LETTERS, KINDS, dead_letter
from .log_files import RawRecord, read_records
from .log_pieces import Piece, pack
from .log_values import Malformed

Parse = Callable[[dict, str, int, Counter, set], "tuple[str, Piece] | None"]


class ReadRecords(beam.DoFn):
    """A file's path to (request id, packed piece) of each record that the window reaches.

    Outputs besides: dead letters (lines of JSON), counts (a Counter a file) and kinds (a set
    of (column, kind) a file).
    """

    def __init__(self, parse: Parse):
        self._parse = parse

    def process(self, file: str) -> Iterator[Any]:
        counts, kinds = Counter(), set()
        outcomes = Counter()
        for raw in read_records(file):
            counts["records_read"] += 1
            try:
                keyed = self._parse(_json_object(raw), file, raw.offset, counts, kinds)
            except Malformed as error:
                outcomes["records_dead_lettered", file] += 1
                outcomes["reason", error.reason] += 1
                letter = dead_letter(file, raw.offset, error.reason, raw.data)
                yield TaggedOutput(DEAD_LETTERS, letter)
            else:
                outcomes["records_ok", file] += 1
                if keyed:
                    request_id, piece = keyed
                    yield request_id, pack(piece)
        outcomes.update({("count", name): n for name, n in counts.items()})
        yield TaggedOutput(COUNTS, outcomes)
        yield TaggedOutput(KINDS, kinds)


def _json_object(raw: RawRecord) -> dict:
    if raw.damage:
        raise Malformed(raw.damage)
    try:
        record = orjson.loads(raw.data)
    except orjson.JSONDecodeError:
        raise Malformed("not_json") from None
    if type(record) is not dict:
        raise Malformed("not_json")
    return record
