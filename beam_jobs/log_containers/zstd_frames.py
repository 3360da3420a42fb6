"""Zstandard frames (RFC 8878), decompressed block by block.

A block is at most 128 KiB of data, so that what a few bytes decompress to is bounded, and where
a frame ends is known: a file that ends within one is told from a file that is corrupt.
"""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

_MAGIC = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
_DICTIONARY_ID_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)
_RLE = 1
_SKIP_STEP = 1 << 20


def begins(head: bytes) -> bool:
    return head[:4] == _MAGIC or _is_skippable(head)


def decompress(raw: Iterator[bytes]) -> Iterator[bytes]:
    """The content of the frames one after another.

    Raises:
      EOFError: ``raw`` ends within a frame.
      ValueError: it is corrupt, or needs more than 128 MiB of window.
    """
    source = _Source(raw)
    while magic := source.take(4, or_nothing=True):
        if magic == _MAGIC:
            yield from _frame(source)
        elif _is_skippable(magic):
            left = int.from_bytes(source.take(4), "little")
            while left:
                left -= len(source.take(min(left, _SKIP_STEP)))
        else:
            raise ValueError("no frame")


def _is_skippable(head: bytes) -> bool:
    return head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F


def _frame(source: _Source) -> Iterator[bytes]:
    inflater = zstandard.ZstdDecompressor().decompressobj()
    descriptor = source.take(1)
    flags = descriptor[0]
    single_segment, checksum = flags & 0x20, flags & 0x04
    size = 0 if single_segment else 1
    size += _DICTIONARY_ID_BYTES[flags & 3]
    size += _CONTENT_SIZE_BYTES[flags >> 6] or (1 if single_segment else 0)
    fed = _MAGIC + descriptor + source.take(size)
    last = False
    try:
        while not last:
            header = source.take(3)
            number = int.from_bytes(header, "little")
            last, kind, size = number & 1, number >> 1 & 3, number >> 3
            fed += header + source.take(1 if kind == _RLE else size)
            if data := inflater.decompress(fed):
                yield data
            fed = b""
        if checksum:
            inflater.decompress(source.take(4))
    except zstandard.ZstdError:
        raise ValueError("corrupt") from None
    if not inflater.eof:
        raise ValueError("corrupt")


class _Source:
    def __init__(self, raw: Iterator[bytes]):
        self._raw = raw
        self._piece = b""
        self._at = 0

    def take(self, size: int, or_nothing: bool = False) -> bytes:
        """Exactly ``size`` bytes, or none at the end with ``or_nothing``; else EOFError."""
        found = self._piece[self._at : self._at + size]
        self._at += len(found)
        while len(found) < size:
            self._piece = next(self._raw, b"")
            if not self._piece:
                if or_nothing and not found:
                    return b""
                raise EOFError
            self._at = min(size - len(found), len(self._piece))
            found += self._piece[: self._at]
        return found
