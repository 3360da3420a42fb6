"""CSV (RFC 4180) in UTF-8 with a header in the first line: a row a record."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field

from . import csv_lines
from .compression import decompressed
from .contract import CHUNK_RECORDS, MAX_RECORD_BYTES, Chunk, Extent
from .lines import Block, blocks

_MARK = b"\xef\xbb\xbf"
_NO_BLOCK = Block(0, b"")

csv.field_size_limit(MAX_RECORD_BYTES)


def read(extent: Extent) -> Iterator[Chunk]:
    return records(decompressed(extent))


def records(pieces: Iterator[bytes]) -> Iterator[Chunk]:
    """Rows as dicts of header to text; an empty cell is None, a cell without a header left out.

    A row with a wrong number of cells, with an unclosed quote or not in UTF-8 is damaged
    (``bad_csv``): its first line alone, whatever its quotes enclose. ``raw`` gives a row below
    the header.
    """
    table = rest = None
    for block in blocks(pieces):
        if block.damage:
            if rest:
                yield from table.chunks(rest, last=True)
            header = table.header if table else b""
            end = block.offset + len(block.data)
            yield _Rows([block.offset], [block.data], block.damage, block.cut, header, block, [end])
            rest = None
            continue
        if table is None:
            header, block = _first_line(block)
            if not header:
                continue
            table = _Table(header)
        if rest:
            block = block._replace(offset=rest.offset, data=rest.data + block.data)
        rest = yield from table.chunks(block, last=block.cut)
    if rest:
        yield from table.chunks(rest, last=True)


def _first_line(block: Block) -> tuple[bytes, Block]:
    """The first line that is not blank, and what follows it."""
    data = block.data.removeprefix(_MARK) if block.offset == 0 else block.data
    line, _, data = data.lstrip().partition(b"\n")
    line = line.rstrip()
    return line, block._replace(offset=block.offset + len(block.data) - len(data), data=data)


@dataclass
class _Rows(Chunk):
    header: bytes = b""
    block: Block = _NO_BLOCK
    ends: list[int] = field(default_factory=list)

    def raw(self, i: int) -> bytes:
        return self.header + b"\n" + _between(self.block, self.offsets[i], self.ends[i])


def _between(block: Block, start: int, end: int) -> bytes:
    return block.data[start - block.offset : end - block.offset].removesuffix(b"\n")


class _Table:
    def __init__(self, header: bytes):
        self.header = header
        text = header.decode(errors="replace").replace("\0", "\ufffd").replace("\r", "\ufffd")
        self._names = next(csv.reader([text]))

    def chunks(self, block: Block, last: bool) -> Generator[Chunk, None, Block | None]:
        """The block's rows; returns the part of a row that the next block may end."""
        lines, offsets = block.lines()
        texts, undecoded = _texts(lines)
        chunk = self._no_rows(block)
        for first, end, cells in csv_lines.rows(texts, offsets, len(self._names), last, undecoded):
            if cells is csv_lines.UNFINISHED:
                if chunk.records:
                    yield chunk
                return Block(offsets[first], block.data[offsets[first] - block.offset :])
            chunk.offsets.append(offsets[first])
            chunk.ends.append(offsets[end])
            chunk.cut = block.cut and end == len(lines)
            if cells is csv_lines.BAD or cells is csv_lines.UNENDED:
                chunk.records.append(_between(block, offsets[first], offsets[end]))
                chunk.damage = "bad_csv"
                chunk.cut = chunk.cut or cells is csv_lines.UNENDED
            else:
                chunk.records.append(self._record(cells))
            if chunk.damage or len(chunk.records) == CHUNK_RECORDS:
                yield chunk
                chunk = self._no_rows(block)
        if chunk.records:
            yield chunk
        return None

    def _no_rows(self, block: Block) -> _Rows:
        return _Rows([], [], header=self.header, block=block)

    def _record(self, cells: Sequence[str]) -> dict[str, str | None]:
        record = dict(zip(self._names, cells, strict=True))
        if "" in cells:
            record = {name: cell or None for name, cell in record.items()}
        record.pop("", None)
        return record


def _texts(lines: list[bytes]) -> tuple[list[str], bool]:
    """The lines as text with their newlines, and whether some are no UTF-8."""
    joined = b"\n".join(lines)
    try:
        text, undecoded = joined.decode(), False
    except UnicodeDecodeError:
        text, undecoded = joined.decode(errors="surrogateescape"), True
    return [line + "\n" for line in text.split("\n")] if lines else [], undecoded
