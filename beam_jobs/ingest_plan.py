"""The input files of a window, and the units of work that they are read in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.filesystems import FileSystems

from .ingest_config import Window
from .log_containers.contract import Extent
from .log_containers.detect import is_splittable

UNIT_BYTES = 32 << 20
UNIT_FILES = 1000
PARTITION_BYTES = 64 << 20
MOST_PARTITIONS = 1000
_SPAN, _DIGITS = "{SPAN}", "0SPAN0"


class Unit(NamedTuple):
    """Extents that are read one after another by one worker, in the order of the inputs."""

    number: int
    extents: tuple[Extent, ...]


def match(globs: Iterable[str], since: float = 0) -> list[FileMetadata]:
    """The files that match any of ``globs``, each once, by path.

    Those of a glob with {SPAN}, which stands for digits, only if they were written to after
    ``since`` (seconds since the epoch).
    """
    globs = list(globs)
    results = FileSystems.match([glob.replace(_SPAN, "*") for glob in globs])
    found = {
        m.path: m
        for glob, result in zip(globs, results, strict=True)
        for m in result.metadata_list
        if _SPAN not in glob or _is_of_span(m, glob, since)
    }
    return [found[path] for path in sorted(found)]


def _is_of_span(file: FileMetadata, glob: str, since: float) -> bool:
    pattern = FileSystem.translate_pattern(glob.replace(_SPAN, _DIGITS)).replace(_DIGITS, r"\d+")
    written = file.last_updated_in_seconds
    return bool(re.match(pattern, file.path)) and not 0 < written < since


def plan(files: list[FileMetadata], format: str, window: Window, first: int = 0) -> list[Unit]:
    """Units of about ``UNIT_BYTES``, or of one larger file that cannot be split.

    first: the number of the first file.
    """
    extents = list(_extents(files, format, window, first))
    sizes, groups = 0, []
    for n, extent in enumerate(extents):
        groups.append((sizes // UNIT_BYTES, n // UNIT_FILES))
        sizes += extent.end - extent.start
    units = groupby(zip(groups, extents, strict=True), key=lambda x: x[0])
    return [
        Unit(number, tuple(extent for _, extent in members))
        for number, (_, members) in enumerate(units)
    ]


def partitions(files: Iterable[FileMetadata]) -> int:
    """How many parts the keys are shuffled into: each is joined in memory."""
    size = sum(m.size_in_bytes for m in files)
    return min(1 + size // PARTITION_BYTES, MOST_PARTITIONS)


def _extents(
    files: list[FileMetadata], format: str, window: Window, first: int
) -> Iterator[Extent]:
    for number, m in enumerate(files, first):
        size = m.size_in_bytes
        written = int(m.last_updated_in_seconds * 1e6)
        whole = Extent(number, m.path, 0, size, size, written, written >= window.end)
        if size <= 2 * UNIT_BYTES or not is_splittable(whole, format):
            yield whole
            continue
        for start in range(0, size, UNIT_BYTES):
            yield replace(whole, start=start, end=min(start + UNIT_BYTES, size))
