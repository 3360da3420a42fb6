"""Files as extents, what was read of them, and damage done to them."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_containers.contract import Chunk, Extent, Record


class Found(NamedTuple):
    offset: int
    record: Record
    damage: str | None
    raw: bytes


def extent(path: Path, data: bytes, start: int = 0, end: int | None = None) -> Extent:
    """``data`` as a file, or a part of it."""
    path.write_bytes(data)
    return Extent(0, str(path), start, len(data) if end is None else end, len(data))


def found(chunks: Iterable[Chunk]) -> list[Found]:
    records = []
    for chunk in chunks:
        assert len(chunk.offsets) == len(chunk.records) > 0
        for i, (offset, record) in enumerate(zip(chunk.offsets, chunk.records, strict=True)):
            last = i == len(chunk.records) - 1
            records.append(Found(offset, record, chunk.damage if last else None, chunk.raw(i)))
    return records


def good(chunks: Iterable[Chunk]) -> list[Record]:
    return [x.record for x in found(chunks) if x.damage is None]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[n : n + size] for n in range(0, len(data), size))


class Damage(NamedTuple):
    """``data`` with the bytes [start, end) of the original in place of others."""

    data: bytes
    start: int
    end: int

    def spares(self, start: int, end: int) -> bool:
        """Whether [start, end) of the original is whole, and nothing was put into it."""
        return end <= self.start or self.end <= start


@st.composite
def damages(draw, data: bytes, start: int = 0, end: int | None = None) -> Damage:
    """One stretch of ``data`` changed, lost, or with bytes put into it."""
    end = len(data) if end is None else end
    first = draw(st.integers(start, end - 1))
    last = draw(st.integers(first, min(end, first + draw(st.sampled_from([0, 1, 1, 1, 3, 40])))))
    put = draw(st.binary(min_size=last == first, max_size=last - first + 3))
    kind = draw(st.sampled_from(["put", "flip", "cut"]))
    if kind == "cut":
        return Damage(data[:first], first, len(data))
    if kind == "flip" and last > first:
        bits = draw(st.binary(min_size=last - first, max_size=last - first))
        put = bytes(x ^ y for x, y in zip(data[first:last], bits, strict=True))
    return Damage(data[:first] + put + data[last:], first, last)


def is_part(some: list, of: list) -> bool:
    """Whether ``some`` are among ``of``, in this order."""
    rest = iter(of)
    return all(any(x == y for y in rest) for x in some)
