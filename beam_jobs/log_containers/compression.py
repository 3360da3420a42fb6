"""The decompressed bytes of a file, in pieces: gzip and zstd are seen by their magic."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from . import zstd_frames
from .contract import Extent

PIECE_BYTES = 1 << 20
_STEP = 1 << 16
_GZIP = b"\x1f\x8b"


class Damaged(Exception):
    """What follows cannot be decompressed.

    reason: ``damaged_gzip`` or ``damaged_zstd``. cut: the file ends within the stream; otherwise
    the stream is corrupt.
    """

    def __init__(self, reason: str, cut: bool):
        super().__init__(reason)
        self.reason = reason
        self.cut = cut


def open_stored(extent: Extent):
    """The file as it is stored."""
    return FileSystems.open(extent.path, compression_type=CompressionTypes.UNCOMPRESSED)


def stored(extent: Extent, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """The bytes [start, end) of the file as it is stored, up to the extent's size."""
    left = min(extent.size, extent.size if end is None else end) - start
    if left <= 0:
        return
    with open_stored(extent) as handle:
        if start:
            handle.seek(start)
        while left > 0 and (piece := handle.read(min(PIECE_BYTES, left))):
            yield piece
            left -= len(piece)


def is_compressed(head: bytes) -> bool:
    return head.startswith(_GZIP) or zstd_frames.begins(head)


def decompressed(extent: Extent) -> Iterator[bytes]:
    """The decompressed bytes of the whole file.

    Raises:
      Damaged: after the last byte that could be decompressed.
      Exception: of the filesystem, when the file cannot be opened or read.
    """
    raw = stored(extent)
    first = next(raw, b"")
    raw = chain([first], raw)
    if first.startswith(_GZIP):
        return gunzip(raw)
    if zstd_frames.begins(first):
        return _unzstd(raw)
    return raw


def peek(pieces: Iterator[bytes], size: int) -> tuple[bytes, Iterator[bytes]]:
    """The first ``size`` bytes or less, and all the pieces, these among them."""
    seen = bytearray()
    damage = None
    try:
        while len(seen) < size and (piece := next(pieces, None)) is not None:
            seen += piece
    except Damaged as error:
        damage = error
    return bytes(seen[:size]), again(bytes(seen), pieces, damage)


def next_piece(pieces: Iterator[bytes]) -> tuple[bytes | None, Damaged | None]:
    """The next piece, None at the end; and what it ended with, if that is a damage."""
    try:
        return next(pieces, None), None
    except Damaged as error:
        return None, error


def again(seen: bytes, pieces: Iterator[bytes], damage: Damaged | None) -> Iterator[bytes]:
    """What was seen of ``pieces``, and the rest of them, the damage where it was met."""
    if seen:
        yield seen
    if damage:
        raise damage
    yield from pieces


def _unzstd(raw: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from zstd_frames.decompress(raw)
    except EOFError:
        raise Damaged("damaged_zstd", cut=True) from None
    except ValueError:
        raise Damaged("damaged_zstd", cut=False) from None


def gunzip(raw: Iterator[bytes]) -> Iterator[bytes]:
    """The decompressed bytes of gzip's members; zeros between them, and after the last, are
    padding.

    Raises:
      Damaged: after the last byte that could be decompressed.
    """
    inflater = None
    for piece in raw:
        for at in range(0, len(piece), _STEP):
            rest = piece[at : at + _STEP]
            while rest:
                if inflater is None:
                    rest = rest.lstrip(b"\0")
                    inflater = zlib.decompressobj(wbits=31) if rest else None
                    continue
                before = inflater.copy()
                try:
                    data = inflater.decompress(rest, PIECE_BYTES)
                except zlib.error:
                    yield from _up_to_error(before, rest)
                    raise Damaged("damaged_gzip", cut=False) from None
                if data:
                    yield data
                rest = inflater.unused_data or inflater.unconsumed_tail
                if inflater.eof:
                    inflater = None
    if inflater is not None:
        raise Damaged("damaged_gzip", cut=True)


def _up_to_error(inflater, piece: bytes) -> Iterator[bytes]:
    with suppress(zlib.error):
        for n in range(len(piece)):
            yield inflater.decompress(piece[n : n + 1])
