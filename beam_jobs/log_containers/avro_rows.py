"""Avro object container files: a datum a record."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator

import fastavro
import orjson

from . import avro_file
from .compression import Damaged, decompressed, peek
from .contract import CHUNK_BYTES, CHUNK_RECORDS, Chunk, Extent, Record
from .row_values import json_value

_HEADER_BYTES = 4 << 20


def read(extent: Extent) -> Iterator[Chunk]:
    return records(decompressed(extent))


def records(pieces: Iterator[bytes]) -> Iterator[Chunk]:
    """Records as dicts of JSON values (see row_values).

    What cannot be decoded of a block is one record (``bad_avro``), and so is a record with a
    string that is not in UTF-8; a file whose header is broken is one empty record.
    """
    head, pieces = peek(pieces, _HEADER_BYTES)
    try:
        header, end = avro_file.header(head)
    except (IndexError, ValueError) as error:
        yield from _headless(pieces, isinstance(error, IndexError))
        return
    rows = _Rows(header)
    for region in avro_file.regions(_without(end, pieces), header.sync):
        yield from rows.of(region)
    yield from rows.flush()


def _headless(pieces: Iterator[bytes], cut: bool) -> Iterator[Chunk]:
    size = 0
    try:
        for piece in pieces:
            size += len(piece)
    except Damaged as error:
        yield Chunk([0], [b""], error.reason, error.cut)
        return
    if size:
        yield Chunk([0], [b""], "bad_avro", cut)


def _without(size: int, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield next(pieces)[size:]
    yield from pieces


class _Rows:
    def __init__(self, header: avro_file.Header):
        self._header = header
        self._row = 0
        self._ready: list[Record] = []
        self._bytes = 0

    def of(self, region: avro_file.Region) -> Iterator[Chunk]:
        """The records of its block; of several where the marker between them is damaged."""
        data, position = region.data, 0
        while position < len(data):
            try:
                count, start = avro_file.long(data, position)
                size, start = avro_file.long(data, start)
            except (IndexError, ValueError):
                break
            end = start + size
            if end != len(data) and not (size >= 0 and self._fits(data[start:end], size, count)):
                end = len(data)
            left = yield from self._block(data[start:end], count)
            if left is not None:
                yield from self._damaged(left, region.damage or "bad_avro", region.cut)
                return
            position = end + avro_file.SYNC_BYTES
        if region.damage or position < len(data):
            yield from self._damaged(data[position:], region.damage or "bad_avro", region.cut)

    def _fits(self, data: bytes, size: int, count: int) -> bool:
        if len(data) < size:
            return False
        try:
            inflated = self._header.inflate(data)
        except Exception:
            return False
        ends = [end for _, end in self._decode(inflated)]
        return len(ends) == count and ends[-1:] == [len(inflated)]

    def _block(self, data: bytes, count: int) -> Generator[Chunk, None, bytes | None]:
        """Its records; returns what cannot be decoded."""
        try:
            inflated = self._header.inflate(data)
        except Exception:
            return data
        start = 0
        for record, end in self._decode(inflated):
            if record is None:
                yield from self._damaged(inflated[start:end], "bad_avro", cut=False)
            else:
                self._ready.append(record)
                self._bytes += end - start
                if len(self._ready) == CHUNK_RECORDS or self._bytes >= CHUNK_BYTES:
                    yield from self.flush()
            start, count = end, count - 1
        return inflated[start:] if start < len(inflated) or count > 0 else None

    def _decode(self, inflated: bytes) -> Iterator[tuple[Record | None, int]]:
        """Each record, None where its text is no UTF-8, and its end; up to what is none."""
        file, end, schema = io.BytesIO(inflated), 0, self._header.schema
        while end < len(inflated):
            try:
                value = json_value(fastavro.schemaless_reader(file, schema))
            except UnicodeDecodeError:
                file.seek(end)
                value = None
                try:
                    fastavro.schemaless_reader(file, schema, handle_unicode_errors="replace")
                except Exception:
                    return
            except Exception:
                return
            else:
                value = value if type(value) is dict else orjson.dumps(value)
            end = file.tell()
            yield value, end

    def flush(self) -> Iterator[Chunk]:
        if self._ready:
            yield Chunk(range(self._row, self._row + len(self._ready)), self._ready)
        self._row += len(self._ready)
        self._ready, self._bytes = [], 0

    def _damaged(self, data: bytes, damage: str, cut: bool) -> Iterator[Chunk]:
        yield from self.flush()
        yield Chunk([self._row], [data], damage, cut)
        self._row += 1
