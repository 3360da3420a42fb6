"""The codecs of Avro blocks, none of which gives more than MAX_RECORD_BYTES."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable

import pyarrow as pa

from . import zstd_frames
from .contract import MAX_RECORD_BYTES

Inflate = Callable[[bytes], bytes]
"""Gives what can be decompressed, the beginning where the data are cut off; any exception where
they are corrupt."""


def _null(data: bytes) -> bytes:
    return data


def _deflate(data: bytes) -> bytes:
    return zlib.decompressobj(wbits=-zlib.MAX_WBITS).decompress(data, MAX_RECORD_BYTES)


def _bzip2(data: bytes) -> bytes:
    return bz2.BZ2Decompressor().decompress(data, MAX_RECORD_BYTES)


def _xz(data: bytes) -> bytes:
    inflater = lzma.LZMADecompressor(memlimit=2 * MAX_RECORD_BYTES)
    return inflater.decompress(data, MAX_RECORD_BYTES)


def _zstandard(data: bytes) -> bytes:
    inflated = bytearray()
    try:
        for piece in zstd_frames.decompress(iter([data])):
            inflated += piece
            if len(inflated) > MAX_RECORD_BYTES:
                break
    except EOFError:
        pass
    return bytes(inflated)


def _snappy(data: bytes) -> bytes:
    """Raw snappy, its size in front as a varint, followed by the CRC-32 of what was compressed."""
    packed, checksum = data[:-4], data[-4:]
    size = 0
    for n, byte in enumerate(packed[:5]):
        size |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            break
    if size > MAX_RECORD_BYTES:
        raise ValueError("too long")
    inflated = pa.Codec("snappy").decompress(packed, size, asbytes=True)
    if zlib.crc32(inflated).to_bytes(4, "big") != checksum:
        raise ValueError("corrupt")
    return inflated


CODECS: dict[bytes, Inflate] = {
    b"": _null,
    b"null": _null,
    b"deflate": _deflate,
    b"bzip2": _bzip2,
    b"xz": _xz,
    b"zstandard": _zstandard,
    b"snappy": _snappy,
}
