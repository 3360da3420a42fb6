"""Lines of CSV as rows, each damaged one told apart by itself."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

QUOTE_REACH = 1 << 20
"""Bytes within which a quoted cell of several lines must end."""
BAD: tuple[str, ...] = ("bad",)
UNENDED: tuple[str, ...] = ("bad", "unended")
UNFINISHED: tuple[str, ...] = ("unfinished",)
_WASTE_FACTOR = 16

Row = tuple[int, int, Sequence[str]]


def rows(
    lines: Sequence[str], offsets: Sequence[int], width: int, last: bool, undecoded: bool
) -> Iterator[Row]:
    """The number of a row's first line, that of the line after it, and its cells.

    lines: each with its newline, bytes that are no UTF-8 as surrogates if ``undecoded``.
    offsets: where each line begins, and the last one ends. last: no lines follow.

    Blank rows are left out. In place of cells comes, as the very object: BAD for a line that is,
    or begins, no row of ``width`` cells, UNENDED when that is since all the lines do not close
    its quote; UNFINISHED where lines that follow may still close it within QUOTE_REACH. The
    lines after a bad one are read anew. Once this has cost many times the lines themselves, rows
    have one line each.
    """
    first, count, wasted = 0, len(lines), 0
    budget = _WASTE_FACTOR * (offsets[-1] - offsets[0])
    while first < count:
        stop = count if wasted <= budget else first + 1
        reader = csv.reader(map(lines.__getitem__, range(first, stop)), strict=True)
        begun = start = first
        unended = False
        try:
            for cells in reader:
                end = begun + reader.line_num
                if len(cells) == width and not (undecoded and _undecoded(cells)):
                    yield start, end, cells
                elif end - start > 1 and len(cells) != width:
                    break
                elif "".join(cells).strip():
                    yield start, end, BAD
                start = end
            else:
                first = stop
                continue
        except csv.Error as error:
            unended = str(error) == "unexpected end of data"
        end = begun + reader.line_num
        if unended and end == count and not last and offsets[end] - offsets[start] < QUOTE_REACH:
            yield start, end, UNFINISHED
            return
        yield start, start + 1, UNENDED if unended and end == count else BAD
        wasted += offsets[end] - offsets[start + 1]
        first = start + 1


def _undecoded(cells: Sequence[str]) -> bool:
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return True
    return False
