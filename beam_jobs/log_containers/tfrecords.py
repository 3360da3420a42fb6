"""TFRecord: length, its masked CRC-32C, data, their masked CRC-32C; a record the data."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import google_crc32c

from .compression import Damaged, decompressed
from .contract import CHUNK_BYTES, MAX_RECORD_BYTES, Chunk, Extent
from .tfrecord_crc import CRC_DELTA, HEADER_BYTES, masked_crc, next_header

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")
_AROUND = HEADER_BYTES + _CRC.size
_LOSS = 8 << 10
"""Bytes that could be read in the time that a search for a header takes."""
_WASTE_FACTOR = 16
_WASTE_FLOOR = 64 << 20


def read(extent: Extent) -> Iterator[Chunk]:
    return records(decompressed(extent))


def records(pieces: Iterator[bytes]) -> Iterator[Chunk]:
    """Records as their data.

    Damage (``damaged_tfrecord``): data with a wrong checksum, where the next record follows
    them; otherwise all bytes up to the next header that is right, or the first of them. A file
    whose headers lie so often that it would be read over and over is given up.
    """
    return _Records(pieces).chunks()


def begins(head: bytes) -> bool:
    """Whether a header that is right begins the file."""
    return len(head) >= HEADER_BYTES and _is_header(head, 0)


def _is_header(data: bytes, position: int) -> bool:
    (crc,) = _CRC.unpack_from(data, position + _LENGTH.size)
    return masked_crc(data[position : position + _LENGTH.size]) == crc


class _Records:
    """What is held of the file begins at ``_base``; the next record begins at ``_at`` in it."""

    def __init__(self, pieces: Iterator[bytes]):
        self._pieces = pieces
        self._held = b""
        self._at = self._base = self._read = self._wasted = 0
        self._ended = False
        self._damage: Damaged | None = None

    def chunks(self) -> Iterator[Chunk]:
        while self._hold(HEADER_BYTES):
            yield from self._good()
            if not self._hold(HEADER_BYTES):
                break
            if not _is_header(self._held, self._at):
                yield self._lost(1)
                continue
            size = _AROUND + _LENGTH.unpack_from(self._held, self._at)[0]
            if size > MAX_RECORD_BYTES or not self._hold(size):
                yield self._lost(HEADER_BYTES)
            elif not _is_record(self._held, self._at):
                self._wasted += size
                if self._hold(size + HEADER_BYTES) and not self._is_begin(self._at + size):
                    yield self._lost(HEADER_BYTES)
                else:
                    data = self._held[self._at + HEADER_BYTES : self._at + size - _CRC.size]
                    yield Chunk([self._base + self._at], [data], "damaged_tfrecord")
                    self._at += size
        if self._damage or self._at < len(self._held):
            yield self._last(self._base + self._at, self._held[self._at :])

    def _hold(self, size: int) -> bool:
        """Holds as much from ``_at`` on, if the file has it."""
        if self._at + size <= len(self._held) or self._ended:
            return self._at + size <= len(self._held)
        got = [self._held[self._at :]]
        self._base += self._at
        self._at, missing = 0, max(size, CHUNK_BYTES) - len(got[0])
        try:
            while missing > 0:
                piece = next(self._pieces, None)
                if piece is None:
                    self._ended = True
                    break
                got.append(piece)
                self._read += len(piece)
                missing -= len(piece)
        except Damaged as error:
            self._damage, self._ended = error, True
        self._held = b"".join(got)
        return size <= len(self._held)

    def _is_begin(self, at: int) -> bool:
        return _is_header(self._held, at) or _is_record(self._held, at)

    def _good(self) -> Iterator[Chunk]:
        data, size, at, base = self._held, len(self._held), self._at, self._base
        length, number, crc32c = _LENGTH.unpack_from, _CRC.unpack_from, google_crc32c.value
        offsets, found = [], []
        while at + _AROUND <= size:
            end = at + _AROUND + length(data, at)[0]
            if end > size:
                break
            record = data[at + 12 : end - 4]
            crc = crc32c(record)
            if (crc >> 15 | crc << 17) + CRC_DELTA & 0xFFFFFFFF != number(data, end - 4)[0]:
                break
            offsets.append(base + at)
            found.append(record)
            at = end
        self._at = at
        if found:
            yield Chunk(offsets, found)

    def _lost(self, searched: int) -> Chunk:
        """All up to the next header that is right, ``searched`` bytes on or later."""
        offset, head = self._base + self._at, b""
        self._wasted += _LOSS
        while True:
            start, found = self._at, -1
            if self._wasted <= _WASTE_FACTOR * self._read + _WASTE_FLOOR:
                found = next_header(self._held, start + searched, MAX_RECORD_BYTES)
            if found >= 0:
                self._at = found
                return Chunk([offset], [head or self._held[start:found]], "damaged_tfrecord")
            if self._ended:
                self._at = len(self._held)
                return self._last(offset, head or self._held[start:])
            searched = max(searched, len(self._held) - HEADER_BYTES + 1 - start)
            if searched > CHUNK_BYTES:
                head = head or self._held[start : start + CHUNK_BYTES]
                self._at += searched
                searched = 0
            self._hold(len(self._held) - self._at + 1)

    def _last(self, offset: int, data: bytes) -> Chunk:
        self._at, damage, self._damage = len(self._held), self._damage, None
        if damage:
            return Chunk([offset], [data], damage.reason, damage.cut)
        return Chunk([offset], [data], "damaged_tfrecord", cut=True)


def _is_record(data: bytes, position: int) -> bool:
    """Whether a record with the right checksum of its data is there."""
    if position + _AROUND > len(data):
        return False
    end = position + _AROUND + _LENGTH.unpack_from(data, position)[0]
    if end > len(data):
        return False
    return masked_crc(data[position + HEADER_BYTES : end - 4]) == _CRC.unpack_from(data, end - 4)[0]
