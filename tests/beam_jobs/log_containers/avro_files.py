"""Avro object container files, framed by hand from the specification."""

import bz2
import io
import json
import lzma
import zlib

import fastavro
import pyarrow as pa
import zstandard

SYNC = bytes(range(100, 116))


def long(number: int) -> bytes:
    number = number << 1 ^ number >> 63
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def snappy(data: bytes) -> bytes:
    packed = pa.Codec("snappy").compress(data, asbytes=True)
    return packed + zlib.crc32(data).to_bytes(4, "big")


CODECS = {
    "null": bytes,
    "deflate": deflate,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstandard": zstandard.ZstdCompressor().compress,
    "snappy": snappy,
}


def header(schema, codec: str = "null") -> bytes:
    facts = {"avro.schema": json.dumps(schema).encode(), "avro.codec": codec.encode()}
    pairs = [(name.encode(), value) for name, value in facts.items()]
    texts = b"".join(long(len(text)) + text for pair in pairs for text in pair)
    return b"Obj\x01" + long(len(pairs)) + texts + long(0) + SYNC


def block(data: bytes, count: int, codec: str = "null") -> bytes:
    packed = CODECS[codec](data)
    return long(count) + long(len(packed)) + packed + SYNC


def encode(schema, datum) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), datum)
    return out.getvalue()


def container(schema, records, codec: str = "null", per_block: int = 10) -> bytes:
    data = [encode(schema, record) for record in records]
    groups = [data[n : n + per_block] for n in range(0, len(data), per_block)]
    blocks = [block(b"".join(group), len(group), codec) for group in groups]
    return header(schema, codec) + b"".join(blocks)
