"""JSON values one after another in a text that is read on demand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from .compression import Damaged, again
from .contract import MAX_RECORD_BYTES

_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str, strict=False)
_STEP = 1 << 18
_NEAR_END = 16
_FAILURE = 256
"""Bytes that could be read in the time that a failure takes."""
_WASTE_FACTOR = 32
_WASTE_FLOOR = 64 << 20


class JsonText:
    """The part of a file that is held: ``text``, which begins at ``base``.

    Latin-1 makes characters of bytes one to one, and JSON's syntax is ASCII. ``damage`` is what
    kept the rest from being decompressed, once the text has grown up to it.
    """

    def __init__(self, pieces: Iterator[bytes], base: int):
        self._pieces = _steps(pieces)
        self._read = 0
        self._wasted = 0
        self.base = base
        self.text = ""
        self.damage: Damaged | None = None

    def grow(self) -> bool:
        """Holds about twice as much; False at the end."""
        wanted, got = max(_STEP, len(self.text)), []
        try:
            while wanted > 0 and (piece := next(self._pieces, None)) is not None:
                got.append(piece)
                wanted -= len(piece)
        except Damaged as error:
            self.damage = error
        more = b"".join(got)
        self.text += more.decode("latin-1")
        self._read += len(more)
        return bool(more)

    def forget(self, position: int) -> int:
        """Lets go of what is before ``position``, once that is much; returns how much it did."""
        if position <= max(_STEP, len(self.text) // 2):
            return 0
        self.text = self.text[position:]
        self.base += position
        return position

    def pieces(self) -> Iterator[bytes]:
        return again(self.bytes(0, len(self.text)), self._pieces, self.damage)

    def bytes(self, start: int, end: int) -> bytes:
        return self.text[start:end].encode("latin-1")

    def skip(self, space: re.Pattern, position: int) -> int:
        return space.match(self.text, position).end()

    def value(self, position: int) -> tuple[Any, int] | None:
        """The value at ``position`` and where it ends; None when there is none.

        Also None once much more was read in vain than the file holds: a file that is made to
        be read again and again is not.
        """
        while self._wasted <= _WASTE_FACTOR * self._read + _WASTE_FLOOR:
            try:
                value, end = _DECODER.raw_decode(self.text, position)
            except json.JSONDecodeError as error:
                unended = error.msg.startswith("Unterminated string")
                far = len(self.text) if unended else error.pos
                if far >= len(self.text) - _NEAR_END and self._may_grow(position):
                    continue
                return self._fail(position, far)
            except RecursionError:
                return self._fail(position, len(self.text))
            if end < len(self.text) or not self._may_grow(position):
                return value, end
        return None

    def _fail(self, position: int, far: int) -> None:
        # JSONDecodeError counts the lines before it.
        self._wasted += _FAILURE + far - position + position // 128

    def _may_grow(self, position: int) -> bool:
        return len(self.text) - position < MAX_RECORD_BYTES and self.grow()


def _steps(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for at in range(0, len(piece), _STEP):
            yield piece[at : at + _STEP]
