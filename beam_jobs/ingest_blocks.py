"""Units of input, read and checked block by block: the same calls, numbers and misfits each time.

Both passes of the job over the logs go through here, so that a call which the first pass has
numbered is found again by the second.
"""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput

from .data_contract_check import Contract
from .ingest_account import DEAD_LETTERS, Tally, dead_letter
from .ingest_config import IngestConfig, Window
from .ingest_keys import places_by
from .ingest_plan import Unit
from .log_columns import to_columns
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

UnitIndex = dict[int, tuple[int, int]]
"""Files of a unit to the numbers of their first call and first record in the unit."""


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


@contextmanager
def _no_collection() -> Iterator[None]:
    """Python's collector walks all that is parsed over and over, and finds no cycle in it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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


@dataclass
class Block:
    """Calls of one block, one an entry, and their rows.

    ids: texts. anonymous: calls whose log has no id; theirs are digests of the record.
    times: in microseconds since the epoch. starts, lengths: the call's rows among the block's.
    usable: the call has a row that fits, or no row at all. calls, record_numbers: numbers in the
    unit, of calls and of records, ascending. next_call: the number of the call after them.
    misfits: row to the reason why it is none. unwanted: rows that an earlier run has written.
    arrays: a value a row, see ``to_columns``.
    dead: record to the reason why it is none. unfinished: records that are not all there yet.
    """

    records: Records
    parsed: Parsed
    calls: np.ndarray
    next_call: int
    record_numbers: np.ndarray
    files: np.ndarray
    record: np.ndarray
    ids: np.ndarray
    anonymous: np.ndarray
    times: np.ndarray
    starts: np.ndarray
    lengths: np.ndarray
    usable: np.ndarray
    misfits: dict[int, str]
    unwanted: list[int]
    arrays: dict[str, pa.Array]
    dead: dict[int, str]
    unfinished: set[int]

    def dead_letter(self, record: int, reason: str, tally: Tally, rows: np.ndarray) -> TaggedOutput:
        """A letter of some of a record's rows; their places are those in the block."""
        first = self.starts[np.searchsorted(self.record, record)]
        return self.records.dead_letter(record, reason, tally, (rows - first).tolist())


class _Numbers:
    """Numbers the calls and records of a unit, the same whether all its files are read or some."""

    def __init__(self, index: UnitIndex | None):
        self._next = {file: list(firsts) for file, firsts in (index or {}).items()}
        self._known = index is not None
        self._totals = [0, 0]

    @property
    def next_call(self) -> int:
        return self._totals[0]

    def of_calls(self, files: np.ndarray) -> np.ndarray:
        return self._of(files, 0)

    def of_records(self, files: np.ndarray) -> np.ndarray:
        return self._of(files, 1)

    def _of(self, files: np.ndarray, which: int) -> np.ndarray:
        if not self._known:
            first = self._totals[which]
            self._totals[which] += len(files)
            return np.arange(first, first + len(files), dtype=np.int32)
        numbers = np.empty(len(files), np.int32)
        for file, places in places_by(files):
            first = self._next[file][which]
            numbers[places] = np.arange(first, first + len(places))
            self._next[file][which] += len(places)
        return numbers


class ReadBlocks:
    """A unit of logs to its blocks."""

    def __init__(
        self,
        config: IngestConfig,
        window: Window,
        log_format: LogFormat,
        contract: Contract,
    ):
        self._config = config
        self._window = window
        self._format = log_format
        self._contract = contract
        self._read = reader(config)
        self.declared = contract.kinds | (config.features or {})

    def __call__(self, unit: Unit, index: UnitIndex | None = None) -> Iterator[Block]:
        """``index``: of a unit that was read before: only its files there are read."""
        extents = [x for x in unit.extents if index is None or x.file in index]
        numbers = _Numbers(index)
        with _no_collection():
            for records in read_records(extents, self._read):
                yield self._block(records, numbers)

    def _block(self, records: Records, numbers: _Numbers) -> Block:
        parsed, tails = parse_records(records, self._format)
        features, rows = parsed.features(), len(parsed.predictions)
        if self._config.request_id:
            ids = features.get(self._config.request_id) or [None] * rows
            parsed = _call_a_row(parsed, iter(ids))
        arrays, misfits = to_columns(features, self.declared)
        misfits = self._contract.check(arrays, rows, misfits)
        lengths = np.array(parsed.lengths, np.int64)
        starts = np.cumsum(lengths) - lengths
        dead = {i: reason for i, reason in parsed.bad.items() if i not in tails}
        unusable = self._unusable(parsed, misfits, starts, lengths)
        alive = {record for n, record in enumerate(parsed.record) if n not in unusable}
        dead |= {
            record: reason
            for n, reason in unusable.items()
            if (record := parsed.record[n]) not in alive
        }
        usable = np.ones(len(lengths), bool)
        usable[list(unusable)] = False
        record, files = np.array(parsed.record, np.int64), records.files()
        anonymous = np.array([x is None for x in parsed.ids], bool)
        for n in np.flatnonzero(anonymous):
            raw = records.place(parsed.record[n])
            parsed.ids[n] = blake2b(raw[1].raw(raw[2]), digest_size=16).hexdigest()
        start = self._window.start
        return Block(
            records=records,
            parsed=parsed,
            calls=numbers.of_calls(files[record]),
            next_call=numbers.next_call,
            record_numbers=numbers.of_records(files),
            files=files,
            record=record,
            ids=np.array(parsed.ids, object),
            anonymous=anonymous,
            times=np.array([start if x is None else x for x in parsed.times], np.int64),
            starts=starts,
            lengths=lengths,
            usable=usable,
            misfits=misfits,
            unwanted=_unwanted(records, record, starts, lengths),
            arrays=arrays,
            dead=dead,
            unfinished=tails,
        )

    def _unusable(
        self, parsed: Parsed, misfits: Mapping[int, str], starts: np.ndarray, lengths: np.ndarray
    ) -> dict[int, str]:
        """Calls without a row that fits, or without a time, to the reason."""
        unusable = {}
        if self._config.untimed == "dead_letter" and None in parsed.times:
            unusable = {n: "missing:time" for n, x in enumerate(parsed.times) if x is None}
        if misfits:
            places = np.array(list(misfits))
            calls = np.searchsorted(starts, places, side="right") - 1
            unfit = np.bincount(calls, minlength=len(lengths))
            for n in np.flatnonzero(unfit & (unfit == lengths)):
                unusable.setdefault(int(n), misfits[int(starts[n])])
        return unusable


def _unwanted(
    records: Records, record: np.ndarray, starts: np.ndarray, lengths: np.ndarray
) -> list[int]:
    unwanted = []
    for begin, (_, chunk) in zip(records.starts, records.chunks, strict=True):
        if type(chunk).only_rows is Chunk.only_rows:
            continue
        for i in range(len(chunk.records)):
            if (wanted := chunk.only_rows(i)) is not None:
                calls = np.flatnonzero(record == begin + i)
                rows = np.concatenate([np.arange(starts[n], starts[n] + lengths[n]) for n in calls])
                unwanted += [int(row) for k, row in enumerate(rows) if k not in set(wanted)]
    return unwanted


def _call_a_row(parsed: Parsed, row_ids: Iterator) -> Parsed:
    """Each row as a call of its own."""
    calls = [n for n, length in enumerate(parsed.lengths) for _ in range(length or 1)]
    lengths = [min(parsed.lengths[n], 1) for n in calls]
    return replace(
        parsed,
        record=[parsed.record[n] for n in calls],
        ids=[_id_text(next(row_ids)) if length else None for length in lengths],
        times=[parsed.times[n] for n in calls],
        first_rows=[0] * len(calls),
        lengths=lengths,
        digests=[parsed.digests[n] for n in calls],
        columns={name: [values[n] for n in calls] for name, values in parsed.columns.items()},
    )


def _id_text(value: object) -> str | None:
    if type(value) is float and value.is_integer():
        value = int(value)
    return str(value) if type(value) in (str, int) and value != "" else None
