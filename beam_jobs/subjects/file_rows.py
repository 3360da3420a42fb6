"""Rows of one TFRecord file of tf.Examples: read in batches, and the file replaced whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from ..examples import BATCH_ROWS
from ..log_containers import tfrecords
from ..log_containers.compression import gunzip

_PIECE_BYTES = 1 << 20
_FOLDER = ".edits"


class DamagedFile(ValueError):
    """A file is not whole TFRecords; the message names it."""


def read_rows(path: str) -> Iterator[list[bytes]]:
    """The serialized rows of a file, at most ``BATCH_ROWS`` at a time; gzip where it is named
    ``*.gz``.

    Raises:
      DamagedFile: a record is cut off, or its checksum is wrong.
    """
    for chunk in tfrecords.records(_decompressed(path)):
        if chunk.damage:
            raise DamagedFile(f"{path}: {chunk.damage} at byte {chunk.offsets[-1]}: make it anew")
        for start in range(0, len(chunk.records), BATCH_ROWS):
            yield chunk.records[start : start + BATCH_ROWS]


def _decompressed(path: str) -> Iterator[bytes]:
    """A stream that is cut off is damage here; Beam takes it for the end of a file."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        pieces = iter(lambda: file.read(_PIECE_BYTES), b"")
        yield from gunzip(pieces) if path.endswith(".gz") else pieces


class NewFile:
    """What shall replace the file ``path``, in the making beside its folder, where no reader of
    the data looks.

    ``digest``: 16 hex digits of ``path`` and the data so far.
    """

    def __init__(self, path: str):
        self._temporary = f"{_stem(path)}-{uuid.uuid4().hex}{os.path.splitext(path)[1]}"
        self._file = FileSystems.create(self._temporary)
        if os.path.exists(path):  # on this machine, where files have modes
            shutil.copymode(path, self._temporary)
        self._hash = hashlib.sha256(path.encode())

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()[:16]

    def close(self) -> None:
        self._file.close()

    def rename(self, path: str) -> None:
        """Makes it ``path``, in place of what is there."""
        folder = path.rpartition("/")[0]
        if not FileSystems.exists(folder):
            FileSystems.mkdirs(folder)
        FileSystems.rename([self._temporary], [path])


def sweep(path: str) -> None:
    """Deletes what interrupted edits of ``path`` have left."""
    left = FileSystems.match([f"{_stem(path)}-*"])[0].metadata_list
    if left:
        FileSystems.delete([file.path for file in left])


def clear(paths: Iterable[str]) -> None:
    """Deletes what edits of ``paths`` have left on this machine's disks; elsewhere there are no
    folders, and each file's edit does it."""
    for folder in {edits_folder(path) for path in paths}:
        shutil.rmtree(folder, ignore_errors=True)


def edits_folder(path: str) -> str:
    """Where files in the making lie that shall replace ``path``."""
    return f"{path.rsplit('/', 2)[0]}/{_FOLDER}"


def _stem(path: str) -> str:
    return f"{edits_folder(path)}/{hashlib.sha256(path.encode()).hexdigest()[:16]}"
