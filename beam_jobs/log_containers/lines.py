"""Blocks of whole lines, of a stream or of a part of a plain file."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, chain
from typing import NamedTuple

from .compression import next_piece, stored
from .contract import CHUNK_BYTES, MAX_RECORD_BYTES, Extent


class Block(NamedTuple):
    """Lines one after another, each ended by a newline, but for the last of a file that lacks it.

    damage: None, or why ``data`` is only the beginning of a single line: ``too_long``, or what
    kept the rest from being decompressed. cut: the file ends within the last line, or may do so.
    """

    offset: int
    data: bytes
    damage: str | None = None
    cut: bool = False

    def lines(self) -> tuple[list[bytes], list[int]]:
        """The lines without newline, and where each of them, and the next block, begins."""
        lines = self.data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        return lines, list(accumulate(map(len, lines), _next_line, initial=self.offset))


def _next_line(offset: int, length: int) -> int:
    return offset + length + 1


def whole(extent: Extent) -> bool:
    return extent.start <= 0 and extent.end >= extent.size


def blocks_of_part(extent: Extent) -> Iterator[Block]:
    """The lines of a plain file that begin within the extent; the last is read to its end."""
    start, end = extent.start, min(extent.end, extent.size)
    if start <= 0:
        yield from blocks(_with_last_line(stored(extent, 0, end), extent, end))
        return
    offset = start - 1
    pieces = stored(extent, offset, end)
    for piece in pieces:
        newline = piece.find(b"\n") + 1
        if newline:
            pieces = _with_last_line(chain([piece[newline:]], pieces), extent, end)
            yield from blocks(pieces, offset + newline)
            return
        offset += len(piece)


def _with_last_line(pieces: Iterator[bytes], extent: Extent, end: int) -> Iterator[bytes]:
    last = b""
    for piece in pieces:
        yield piece
        last = piece or last
    if last and not last.endswith(b"\n"):
        for piece in stored(extent, end):
            newline = piece.find(b"\n") + 1
            yield piece[: newline or len(piece)]
            if newline:
                return


def blocks(pieces: Iterator[bytes], offset: int = 0) -> Iterator[Block]:
    """Blocks of about CHUNK_BYTES; ``offset`` is that of the first piece.

    What is decompressed before a damage is given; the line that it breaks off is a block of its
    own, as is a line longer than MAX_RECORD_BYTES.
    """
    ready: list[bytes | memoryview] = []
    begun: list[bytes | memoryview] = []
    ready_size = begun_size = 0
    long_line: tuple[int, bytes] | None = None
    while True:
        piece, damage = next_piece(pieces)
        if piece is None:
            break
        if long_line:
            end = piece.find(b"\n") + 1
            offset += end or len(piece)
            if not end:
                continue
            yield Block(*long_line, "too_long")
            piece, long_line = piece[end:], None
        end = piece.rfind(b"\n") + 1
        if end:
            view = memoryview(piece)
            ready += (*begun, view[:end])
            ready_size += begun_size + end
            begun, begun_size = [view[end:]], len(piece) - end
        else:
            begun.append(piece)
            begun_size += len(piece)
        if ready_size >= CHUNK_BYTES or (ready and begun_size > MAX_RECORD_BYTES):
            yield Block(offset, b"".join(ready))
            offset += ready_size
            ready, ready_size = [], 0
        if begun_size > MAX_RECORD_BYTES:
            long_line = offset, b"".join(begun)[:CHUNK_BYTES]
            offset += begun_size
            begun, begun_size = [], 0
    if long_line:
        reason, cut = (damage.reason, damage.cut) if damage else ("too_long", True)
        yield Block(*long_line, reason, cut)
        return
    last = b"".join(begun)
    if damage:
        if ready:
            yield Block(offset, b"".join(ready))
        yield Block(offset + ready_size, last, damage.reason, damage.cut)
    elif ready or last:
        yield Block(offset, b"".join(ready) + last, cut=bool(last))
