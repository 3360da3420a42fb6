"""JSON objects of an array, or one after another over several lines, salvaged around damage."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .contract import CHUNK_BYTES, CHUNK_RECORDS, Chunk
from .json_text import JsonText

_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,:]*")
_START = re.compile(r"""(?:[^:\s]|[^"\s]\s*:)\s*(?=\{\s*")""")
"""Where an object may begin that is not the value of a key."""
_REACH = 1 << 16


def scan(text: JsonText) -> Iterator[Chunk]:
    """The objects outside of arrays, and the elements of arrays outside of objects.

    What lies between two of them that can be told apart is a record with damage ``not_json``,
    as is what is left at the end; commas may be missing or too many.
    """
    return _Scan(text).chunks()


def has_object(text: JsonText) -> bool:
    """Whether an object follows, in what is held, on what is none."""
    matches = _START.finditer(text.text)
    return any((found := text.value(m.end())) and type(found[0]) is dict for m in matches)


class _Scan:
    def __init__(self, text: JsonText):
        self._text = text
        self._position = 0
        self._inside = False
        self._spans: list[tuple[int, int]] = []

    def chunks(self) -> Iterator[Chunk]:
        text = self._text
        while True:
            self._position = text.skip(_BETWEEN, self._position)
            sign = text.text[self._position : self._position + 1]
            if not sign:
                yield from self._flush()
                if not text.grow():
                    break
            elif sign == "]" or (sign == "[" and not self._inside):
                self._inside = sign == "["
                self._position += 1
            else:
                yield from self._record()
        if text.damage or self._inside:
            yield self._last(text.base + self._position, b"")

    def _record(self) -> Iterator[Chunk]:
        start, end = self._position, self._record_end(self._position)
        if end is None:
            yield from self._flush()
            yield self._lost()
            return
        self._spans.append((start, end))
        self._position = end
        if len(self._spans) == CHUNK_RECORDS or end - self._spans[0][0] > CHUNK_BYTES:
            yield from self._flush()

    def _record_end(self, start: int) -> int | None:
        text = self._text
        found = text.value(start)
        if found is None:
            return None
        value, end = found
        if type(value) is not dict:
            after = text.skip(_SPACE, end)
            if not self._inside or text.text[after : after + 1] not in (",", "]", ""):
                return None
            if _START.search(text.text, start, end):
                return None
        return end

    def _flush(self) -> Iterator[Chunk]:
        text = self._text
        if self._spans:
            offsets = [text.base + start for start, _ in self._spans]
            yield Chunk(offsets, [text.bytes(start, end) for start, end in self._spans])
            self._spans = []
        self._position -= text.forget(self._position)

    def _lost(self) -> Chunk:
        """What begins here and is no record, up to where the next object begins."""
        text, start, head = self._text, self._position, b""
        offset, searched = text.base + start, start
        while True:
            while match := _START.search(text.text, searched):
                found = text.value(match.end())
                if found and type(found[0]) is dict:
                    self._position = match.end()
                    data = head or text.bytes(start, match.end()).rstrip(b" \t\r\n,")
                    return Chunk([offset], [data], "not_json")
                searched = match.start() + 1
            searched = max(searched, len(text.text) - _REACH)
            if searched - start > CHUNK_BYTES:
                head = head or text.bytes(start, start + CHUNK_BYTES)
                start = searched
            gone = text.forget(start)
            start, searched = start - gone, searched - gone
            if not text.grow():
                self._position = len(text.text)
                return self._last(offset, head or text.bytes(start, len(text.text)))

    def _last(self, offset: int, data: bytes) -> Chunk:
        self._inside = False
        damage, self._text.damage = self._text.damage, None
        if damage:
            return Chunk([offset], [data], damage.reason, damage.cut)
        return Chunk([offset], [data], "not_json", cut=True)
