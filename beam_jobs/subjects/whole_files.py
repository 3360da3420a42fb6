"""Small files that are read whole and replaced whole."""

from __future__ import annotations

import uuid

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems


def read_bytes(path: str) -> bytes:
    """The content of a file, on any filesystem Beam knows."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read()


def write_bytes(path: str, content: bytes) -> None:
    """Writes or replaces a file, atomically where the filesystem's rename is."""
    folder = FileSystems.split(path)[0]
    if not FileSystems.exists(folder):
        FileSystems.mkdirs(folder)
    partial = f"{path}.{uuid.uuid4().hex}.partial"
    with FileSystems.create(
        partial, "application/octet-stream", CompressionTypes.UNCOMPRESSED
    ) as file:
        file.write(content)
    FileSystems.rename([partial], [path])
