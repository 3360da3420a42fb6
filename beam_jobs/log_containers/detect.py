"""Which container a file is, told by its first bytes, format and name; and its records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from . import avro_file, avro_rows, csv_rows, json_records, parquet_rows, tfrecords
from .compression import decompressed, is_compressed, peek, stored
from .contract import Chunk, Extent, ReadContainer
from .lines import whole

READERS: dict[str, ReadContainer] = {
    "json": json_records.read,
    "csv": csv_rows.read,
    "parquet": parquet_rows.read,
    "avro": avro_rows.read,
    "tfrecord": tfrecords.read,
}
_STREAMED: dict[str, Callable[[Iterator[bytes]], Iterator[Chunk]]] = {
    "json": json_records.records,
    "csv": csv_rows.records,
    "avro": avro_rows.records,
    "tfrecord": tfrecords.records,
}
_OF_NAME = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".avro": "avro",
    ".tfrecord": "tfrecord",
    ".tfrecords": "tfrecord",
}
_HEAD_BYTES = 64


def container_of(extent: Extent, format: str) -> str:
    """The name in ``READERS`` of the file's container.

    In this order: TFRecord for the format ``prediction_log`` (of ``ingest_config.Format``, or
    ``auto``), the magic of Parquet and Avro, what the format or the name's ending says, a right
    TFRecord header where the format is ``auto``; otherwise JSON.
    """
    head, _ = peek(decompressed(extent), _HEAD_BYTES)
    return _container(head, extent.path, format)


def read(extent: Extent, format: str) -> Iterator[Chunk]:
    """The records of an extent, of whichever container it is; none of an empty file."""
    if not whole(extent):
        return json_records.read(extent)
    head, pieces = peek(decompressed(extent), _HEAD_BYTES)
    found = _container(head, extent.path, format)
    return _STREAMED[found](pieces) if found in _STREAMED else READERS[found](extent)


def is_csv(path: str, format: str) -> bool:
    return format == "csv" or _ending(path) == ".csv"


def is_splittable(extent: Extent, format: str) -> bool:
    """Whether parts of the file can be read: plain JSON, an object a line."""
    head, _ = peek(stored(extent), _HEAD_BYTES)
    if is_compressed(head) or _container(head, extent.path, format) != "json":
        return False
    return json_records.begins_lines(stored(extent))


def _container(head: bytes, path: str, format: str) -> str:
    if format == "prediction_log":
        return "tfrecord"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(avro_file.MAGIC):
        return "avro"
    if format in ("csv", "parquet", "avro"):
        return format
    if ending := _OF_NAME.get(_ending(path)):
        return ending
    return "tfrecord" if format == "auto" and tfrecords.begins(head) else "json"


def _ending(path: str) -> str:
    return PurePosixPath(path.lower().removesuffix(".gz").removesuffix(".zst")).suffix
