"""Log files as records: found by glob, streamed, and salvaged where they are damaged."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

from apache_beam.io.filesystem import CompressionTypes, FileMetadata
from apache_beam.io.filesystems import FileSystems

_CHUNK = 1 << 16
_GZIP = b"\x1f\x8b"


class RawRecord(NamedTuple):
    """One record as it lies in its file; ``offset`` counts decompressed bytes.

    ``damage`` is None, or why these bytes, the rest of the file, could not be told apart.
    """

    offset: int
    data: bytes
    damage: str | None = None


class _DamagedGzip(Exception):
    pass


def match(globs: Iterable[str]) -> list[FileMetadata]:
    """The files that match any of ``globs``, each once, by path."""
    found = {m.path: m for result in FileSystems.match(list(globs)) for m in result.metadata_list}
    return [found[path] for path in sorted(found)]


def read_records(path: str) -> Iterator[RawRecord]:
    """The records of a file of JSON Lines, or of one JSON array; gzip is seen by its magic.

    Lines are streamed; an array, one batch of a logger, is held whole. What comes before a
    damage is kept: the remainder is one record with ``damage`` set, ``not_json`` (an array's
    syntax) or ``damaged_gzip`` (cut off, or its checksum does not hold).

    Raises:
      Exception: of the filesystem, when the file cannot be opened or read.
    """
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as handle:
        raw = iter(lambda: handle.read(_CHUNK), b"")
        first = next(raw, b"")
        raw = chain([first], raw)
        chunks = _gunzip(raw) if first.startswith(_GZIP) else raw
        start, damage = b"", None
        try:
            while not start.strip():
                start += next(chunks)
        except StopIteration:
            return
        except _DamagedGzip:
            damage = "damaged_gzip"
        chunks = chain([start], chunks)
        if start.lstrip().startswith(b"["):
            yield from _array(*_drain(chunks, damage))
        else:
            yield from _lines(chunks, damage)


def _lines(chunks: Iterator[bytes], damage: str | None) -> Iterator[RawRecord]:
    offset, rest = 0, bytearray()
    try:
        for chunk in chunks:
            rest += chunk
            if b"\n" not in chunk:
                continue
            *lines, tail = bytes(rest).split(b"\n")
            rest = bytearray(tail)
            for line in lines:
                if line.strip():
                    yield RawRecord(offset, line)
                offset += len(line) + 1
    except _DamagedGzip:
        damage = "damaged_gzip"
    if damage or rest.strip():
        yield RawRecord(offset, bytes(rest), damage)


def _drain(chunks: Iterator[bytes], damage: str | None) -> tuple[bytes, str | None]:
    read = bytearray()
    try:
        for chunk in chunks:
            read += chunk
    except _DamagedGzip:
        damage = "damaged_gzip"
    return bytes(read), damage


def _array(data: bytes, damage: str | None) -> Iterator[RawRecord]:
    # Latin-1 makes characters of bytes one to one, and JSON's syntax is ASCII.
    text = data.decode("latin-1")
    position = _skip_space(text, text.index("[") + 1)
    while text[position : position + 1] not in ("]", ""):
        try:
            _, end = _SCANNER.raw_decode(text, position)
        except (ValueError, RecursionError):
            break
        yield RawRecord(position, data[position:end])
        position = _skip_space(text, end)
        if text[position : position + 1] == ",":
            position = _skip_space(text, position + 1)
        elif text[position : position + 1] != "]":
            break
    closed = text[position : position + 1] == "]"
    rest = data[position + closed :]
    if damage or rest.strip() or not closed:
        yield RawRecord(position + closed, rest, damage or "not_json")


def _skip_space(text: str, position: int) -> int:
    return _SPACE.match(text, position).end()


def _gunzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompresses concatenated gzip members; raises _DamagedGzip after the last good byte."""
    inflater = None
    for chunk in chunks:
        while chunk:
            if inflater is None:
                chunk = chunk.lstrip(b"\0")
                inflater = zlib.decompressobj(wbits=31) if chunk else None
                continue
            before = inflater.copy()
            try:
                data = inflater.decompress(chunk)
            except zlib.error:
                yield from _up_to_error(before, chunk)
                raise _DamagedGzip from None
            yield data
            chunk = inflater.unused_data
            if inflater.eof:
                inflater = None
    if inflater is not None:
        raise _DamagedGzip


def _up_to_error(inflater, chunk: bytes) -> Iterator[bytes]:
    with suppress(zlib.error):
        for n in range(len(chunk)):
            yield inflater.decompress(chunk[n : n + 1])


_SPACE = re.compile(r"[ \t\r\n]*")
_SCANNER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)
