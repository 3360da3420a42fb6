"""The framing of Avro object container files (Avro specification 1.11): header and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .avro_codecs import CODECS, Inflate
from .avro_schema import ready
from .compression import next_piece
from .contract import CHUNK_BYTES, MAX_RECORD_BYTES

MAGIC = b"Obj\x01"
SYNC_BYTES = 16


class Header(NamedTuple):
    schema: Any
    inflate: Inflate
    sync: bytes


class Region(NamedTuple):
    """What lies between two sync markers: a block, but for damage.

    damage: None, or why it ends without a marker, or is but the beginning of what was too long.
    """

    data: bytes
    damage: str | None = None
    cut: bool = False


def header(data: bytes) -> tuple[Header, int]:
    """The header, and where it ends.

    Raises:
      IndexError: ``data`` ends within it. ValueError: it is broken.
    """
    if not data.startswith(MAGIC):
        raise ValueError("another magic")
    facts, position = {}, len(MAGIC)
    while True:
        count, position = long(data, position)
        if count < 0:
            _, position = long(data, position)
        if not count:
            break
        for _ in range(abs(count)):
            key, position = _bytes(data, position)
            facts[key], position = _bytes(data, position)
    end = position + SYNC_BYTES
    if end > len(data):
        raise IndexError
    codec = facts.get(b"avro.codec", b"null")
    if codec not in CODECS:
        raise ValueError("unknown codec")
    schema = ready(facts.get(b"avro.schema", b""))
    return Header(schema, CODECS[codec], data[position:end]), end


def long(data: bytes, position: int) -> tuple[int, int]:
    """A zigzag varint and where it ends; IndexError at the end of ``data``, ValueError."""
    number = 0
    for shift in range(0, 70, 7):
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), position
    raise ValueError("no long")


def _bytes(data: bytes, position: int) -> tuple[bytes, int]:
    size, position = long(data, position)
    if size < 0:
        raise ValueError("negative length")
    if position + size > len(data):
        raise IndexError
    return data[position : position + size], position + size


def regions(pieces: Iterator[bytes], sync: bytes) -> Iterator[Region]:
    held, searched, head = bytearray(), 0, b""
    while True:
        piece, damage = next_piece(pieces)
        if piece is None:
            break
        held += piece
        while (end := held.find(sync, searched)) >= 0:
            yield Region(head, "too_long") if head else Region(bytes(held[:end]))
            del held[: end + SYNC_BYTES]
            searched, head = 0, b""
        if len(held) > MAX_RECORD_BYTES:
            head = head or bytes(held[:CHUNK_BYTES])
            del held[:-SYNC_BYTES]
        searched = max(0, len(held) - SYNC_BYTES)
    if damage:
        yield Region(head or bytes(held), damage.reason, damage.cut)
    elif head or held:
        yield Region(head or bytes(held), "bad_avro", cut=True)
