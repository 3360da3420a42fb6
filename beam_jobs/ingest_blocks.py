"""Units of input, read and checked block by block: the same calls, numbers and misfits each time.

Both passes of the job over the logs go through here, so that a call which the first pass has
numbered is found again by the second.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput

from .data_contract_check import Contract
from .ingest_account import Tally
from .ingest_config import IngestConfig, Window
from .ingest_numbers import Numbers, UnitIndex
from .ingest_plan import Unit
from .ingest_records import Records, parse_records, read_records, reader
from .log_columns import to_columns
from .log_containers.contract import Chunk
from .log_formats.contract import LogFormat, Parsed


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


class FileChecks:
    """How many records each file has, and the sum of its calls' digests: the same each time."""

    def __init__(self):
        self._of_file: dict[int, tuple[int, int]] = {}

    def add(self, block: Block) -> None:
        files, of_record = np.unique(block.files, return_inverse=True)
        digests = np.zeros(len(files), np.int64)
        np.add.at(digests, of_record[block.record], np.array(block.parsed.digests, np.int64))
        counts = np.bincount(of_record, minlength=len(files))
        found = zip(files.tolist(), counts.tolist(), digests.tolist(), strict=True)
        for file, count, digest in found:
            records, total = self[file]
            self._of_file[file] = records + count, total + digest

    def __getitem__(self, file: int) -> tuple[int, int]:
        return self._of_file.get(file, (0, 0))


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
        numbers = Numbers(index)
        with _no_collection():
            for records in read_records(extents, self._read):
                yield self._block(records, numbers)

    def _block(self, records: Records, numbers: Numbers) -> Block:
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
