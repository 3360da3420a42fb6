"""The job that looks for a person in the bytes of files, whatever their format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems

from .edit_files import run_over_files
from .marks import Marks

_BLOCK = 4 << 20
_SHORTEST = 10
"""Shorter pseudonyms, such as small numbers, stand in many files by chance."""


def find_leftovers(
    paths: Iterable[str], people: Iterable[Marks], beam_args: Sequence[str] = ()
) -> list[str]:
    """Those of the files ``paths`` in which a pseudonym stands, as it is or inside of gzip.

    Compressed formats other than a ``.gz`` or ``.bz2`` file as a whole hide what is in them.
    """
    needles = sorted(
        {
            mark
            for marks in people
            for found in (marks.mentions, *marks.pseudonyms.values(), *marks.elsewhere.values())
            for mark in found
            if len(mark) >= _SHORTEST
        }
    )
    if not needles:
        return []
    found = run_over_files(sorted(set(paths)), _Search(needles), beam_args)
    return sorted(result["path"] for result in found)


class _Search(beam.DoFn):
    def __init__(self, needles: list[bytes]):
        self._needles = needles
        self._overlap = max(map(len, needles)) - 1

    def process(self, path: str) -> Iterator[dict[str, Any]]:
        rest = b""
        with FileSystems.open(path) as file:
            while block := file.read(_BLOCK):
                block = rest + block
                if any(needle in block for needle in self._needles):
                    yield {"path": path}
                    return
                rest = block[-self._overlap :]
