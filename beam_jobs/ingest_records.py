"""The records of a unit of input: read, and told apart from what is damaged or not there yet."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from apache_beam.pvalue import TaggedOutput

from .ingest_account import DEAD_LETTERS, Tally, dead_letter
from .ingest_config import IngestConfig
from .log_containers import dead_letters
from .log_containers.contract import (
    CHUNK_BYTES,
    CHUNK_RECORDS,
    Chunk,
    Extent,
    ReadContainer,
    Record,
)
from .log_containers.detect import is_csv, read
from .log_formats.contract import NOT_JSON, LogFormat, Parsed


def reader(config: IngestConfig) -> ReadContainer:
    """Reads logs, or dead letters of logs."""
    if config.replay:
        return partial(dead_letters.read, is_csv=partial(is_csv, format=config.format))
    return partial(read, format=config.format)


@dataclass
class Records:
    """Successive records of a unit, out of one chunk or several."""

    chunks: list[tuple[Extent, Chunk]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    count: int = 0
    bytes: int = 0

    def add(self, extent: Extent, chunk: Chunk) -> None:
        self.chunks.append((extent, chunk))
        self.starts.append(self.count)
        self.count += len(chunk.records)
        self.bytes += sum(len(x) for x in chunk.records if type(x) is bytes)

    @property
    def is_full(self) -> bool:
        return self.count >= CHUNK_RECORDS or self.bytes >= CHUNK_BYTES

    def place(self, record: int) -> tuple[Extent, Chunk, int]:
        n = bisect_right(self.starts, record) - 1
        extent, chunk = self.chunks[n]
        return extent, chunk, record - self.starts[n]

    def __iter__(self) -> Iterator[tuple[Extent, Record]]:
        return ((extent, x) for extent, chunk in self.chunks for x in chunk.records)

    def damage(self) -> tuple[dict[int, str], set[int]]:
        """Records that could not be told apart, to the reason, and those at the end of a file
        that was still being written to when the window had ended."""
        damaged, tails = {}, set()
        for start, (extent, chunk) in zip(self.starts, self.chunks, strict=True):
            last = start + len(chunk.records) - 1
            if chunk.damage:
                damaged[last] = chunk.damage
            if chunk.cut and extent.growing:
                tails.add(last)
        return damaged, tails

    def dead_letter(
        self, record: int, reason: str, tally: Tally, rows: list[int] | None = None
    ) -> TaggedOutput:
        extent, chunk, i = self.place(record)
        tally.counts["reason", reason] += 1
        letter = dead_letter(*chunk.source(i, extent), chunk.raw(i), reason, rows)
        return TaggedOutput(DEAD_LETTERS, letter)

    def files(self) -> np.ndarray:
        """The number of each record's file."""
        counts = [len(chunk.records) for _, chunk in self.chunks]
        return np.repeat([extent.file for extent, _ in self.chunks], counts).astype(np.int32)


def read_records(extents: Iterable[Extent], read_extent: ReadContainer) -> Iterator[Records]:
    records = Records()
    for extent in extents:
        for chunk in read_extent(extent):
            records.add(extent, chunk)
            if records.is_full:
                yield records
                records = Records()
    if records.count:
        yield records


def parse_records(records: Records, log_format: LogFormat) -> tuple[Parsed, set[int]]:
    """What ``records`` hold, and those that their file ends in the midst of while it grows."""
    damaged, tails = records.damage()
    every = [x for _, chunk in records.chunks for x in chunk.records]
    if not damaged:
        parsed = log_format.parse_all(every)
    else:
        intact = [i for i in range(len(every)) if i not in damaged]
        parsed = log_format.parse_all([every[i] for i in intact])
        parsed.bad = {intact[i]: reason for i, reason in parsed.bad.items()} | damaged
        parsed.record = [intact[i] for i in parsed.record]
        parsed.responses = [(intact[i], response) for i, response in parsed.responses]
    return parsed, {i for i in tails if i in damaged or parsed.bad.get(i) == NOT_JSON}
