"""An undamaged JSON array of objects, parsed as a whole."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from json.decoder import scanstring

import orjson

from .contract import CHUNK_RECORDS, Chunk, Record

_MARK = re.compile(r'["\[\]{},]')
_SPACE = " \t\r\n"


def parse(data: bytes, offset: int) -> Iterator[Chunk] | None:
    """The elements, objects as dicts and others as bytes; None when ``data`` is no array."""
    try:
        with _no_garbage_collection():
            values = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return _chunks(values, _Elements(data, offset)) if type(values) is list else None


def _chunks(values: list, elements: _Elements) -> Iterator[Chunk]:
    for first in range(0, len(values), CHUNK_RECORDS):
        records = values[first : first + CHUNK_RECORDS]
        for i, value in enumerate(records, first):
            if type(value) is not dict:
                records[i - first] = elements.raw(i)
        yield _ArrayChunk(elements, first, records)


@contextmanager
def _no_garbage_collection():
    """Which would search the growing values, that hold no cycle, over and over."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Elements:
    """Where each element lies in the text, found when it is asked for."""

    def __init__(self, data: bytes, offset: int):
        self._data = data
        self.offset = offset

    def raw(self, i: int) -> bytes:
        start, end = self.spans[i]
        return self._data[start:end]

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        text = self._data.decode("latin-1")
        commas, depth, position = [], 0, 0
        while mark := _MARK.search(text, position):
            position, sign = mark.end(), mark[0]
            if sign == '"':
                _, position = scanstring(text, position, False)
            elif sign in "[{":
                depth += 1
                if depth == 1:
                    commas.append(mark.start())
            elif sign in "]}":
                depth -= 1
                if depth == 0:
                    commas.append(mark.start())
            elif depth == 1:
                commas.append(mark.start())
        return [_strip(text, start + 1, end) for start, end in pairwise(commas)]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while text[start] in _SPACE:
        start += 1
    while text[end - 1] in _SPACE:
        end -= 1
    return start, end


class _ArrayChunk(Chunk):
    def __init__(self, elements: _Elements, first: int, records: list[Record]):
        self._elements = elements
        self._first = first
        self.records = records
        self.damage = None
        self.cut = False

    @cached_property
    def offsets(self) -> Sequence[int]:
        spans = self._elements.spans[self._first : self._first + len(self.records)]
        return [self._elements.offset + start for start, _ in spans]

    def raw(self, i: int) -> bytes:
        return self._elements.raw(self._first + i)
