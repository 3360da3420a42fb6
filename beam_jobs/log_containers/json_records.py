"""JSON: a line a record, or one array, or objects one after another over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, compress

import orjson

from . import json_array, json_scan
from .compression import Damaged, again, decompressed, peek
from .contract import Chunk, Extent
from .json_text import JsonText
from .lines import Block, blocks, blocks_of_part, whole

ARRAY_BYTES = 32 << 20
"""What is held and parsed as a whole; a longer array is read piece by piece."""
_HEAD_BYTES = 1 << 16
_MARK = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_LINE_END = re.compile(r"[ \t\r]*(\n|\Z)")


def read(extent: Extent) -> Iterator[Chunk]:
    """The records of a whole file, or the lines that begin within a part of a plain one."""
    return records(decompressed(extent)) if whole(extent) else _lines(blocks_of_part(extent))


def records(pieces: Iterator[bytes]) -> Iterator[Chunk]:
    """Lines as bytes, without blank ones; objects of an array as dicts where it is undamaged.

    Damage: ``not_json`` (between two objects of an array, or at its end), ``too_long``, or the
    decompression's.
    """
    offset, pieces = _skip_blank(pieces)
    first, pieces = peek(pieces, 1)
    if first == b"[":
        return _array(offset, pieces)
    text, pieces = _not_lines(offset, pieces)
    return json_scan.scan(text) if text else _lines(blocks(pieces, offset))


def begins_lines(pieces: Iterator[bytes]) -> bool:
    """Whether it is one record a line."""
    offset, pieces = _skip_blank(pieces)
    first, pieces = peek(pieces, 1)
    return first != b"[" and _not_lines(offset, pieces)[0] is None


def _not_lines(offset: int, pieces: Iterator[bytes]) -> tuple[JsonText | None, Iterator[bytes]]:
    """The text, if its objects are not told apart by lines; and the pieces."""
    head, pieces = peek(pieces, _HEAD_BYTES)
    first, _, others = head.partition(b"\n")
    if first.startswith(b"{") and first.rstrip().endswith(b"}"):
        return None, pieces
    text = JsonText(pieces, offset)
    text.grow()
    found = text.value(0)
    if found and type(found[0]) is dict:
        is_line = _LINE_END.match(text.text, found[1]) and "\n" not in text.text[: found[1]]
    else:
        is_line = first.rstrip() != b"{" and not _elements(text, others.split(b"\n"))
    return (None, text.pieces()) if is_line else (text, iter(()))


def _elements(text: JsonText, lines: list[bytes]) -> bool:
    """Whether it looks like an array, or objects over lines, whose beginning is damaged."""
    objects = sum(_is_object(line) for line in lines)
    elements = sum(_is_object(line.removesuffix(b",")) for line in map(bytes.rstrip, lines))
    return elements > 2 * objects or (not objects and json_scan.has_object(text))


def _is_object(line: bytes) -> bool:
    try:
        return type(orjson.loads(line)) is dict
    except orjson.JSONDecodeError:
        return False


def _lines(found: Iterator[Block]) -> Iterator[Chunk]:
    for block in found:
        if block.offset == 0 and block.data.startswith(_MARK):
            block = block._replace(offset=len(_MARK), data=block.data[len(_MARK) :])
        if block.damage:
            yield Chunk([block.offset], [block.data], block.damage, block.cut)
            continue
        lines, offsets = block.lines()
        offsets.pop()
        cut = block.cut and bool(lines[-1].strip())
        if not all(map(bytes.strip, lines)):
            kept = list(map(bytes.strip, lines))
            lines, offsets = list(compress(lines, kept)), list(compress(offsets, kept))
        if lines:
            yield Chunk(offsets, lines, cut=cut)


def _array(offset: int, pieces: Iterator[bytes]) -> Iterator[Chunk]:
    data, pieces = peek(pieces, ARRAY_BYTES + 1)
    chunks = json_array.parse(data, offset) if len(data) <= ARRAY_BYTES else None
    if chunks is None:
        yield from json_scan.scan(JsonText(pieces, offset))
        return
    yield from chunks
    try:
        for _ in pieces:
            pass
    except Damaged as error:
        yield Chunk([offset + len(data)], [b""], error.reason, error.cut)


def _skip_blank(pieces: Iterator[bytes]) -> tuple[int, Iterator[bytes]]:
    """Without blank space, and a byte order mark before it; how much was left out."""
    _, pieces = peek(pieces, len(_MARK))
    offset = 0
    try:
        for piece in pieces:
            rest = piece.removeprefix(_MARK) if offset == 0 else piece
            rest = rest.lstrip(_SPACE)
            offset += len(piece) - len(rest)
            if rest:
                return offset, chain([rest], pieces)
    except Damaged as error:
        return offset, again(b"", iter(()), error)
    return offset, iter(())
