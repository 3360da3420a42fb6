"""First pass over the logs: keys of calls and answers; what cannot be read to dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import orjson
from apache_beam.pvalue import TaggedOutput

from .ingest_account import COUNTS, KINDS, Tally
from .ingest_blocks import Block, FileChecks, ReadBlocks
from .ingest_config import Window
from .ingest_keys import ANSWERS, CALLS, INDEX, SCHEMAS, pack, partition
from .ingest_plan import Unit
from .ingest_traffic import count_clocks
from .log_columns import ColumnKind, kind_of_column
from .log_formats.contract import Response, Scores


class ScanLogs(beam.DoFn):
    """A unit to (partition, packed keys) of all that the window reaches.

    Outputs besides: dead letters (lines of JSON), a Tally, kinds (a set of (column, ColumnKind))
    and (its number, packed INDEX) for each unit.
    """

    def __init__(self, read: ReadBlocks, window: Window, untimed: str, partitions: int):
        self._read = read
        self._window = window
        self._untimed = untimed
        self._partitions = partitions

    def process(self, unit: Unit) -> Iterator[Any]:
        tally, kinds = Tally(), set()
        keys = {CALLS: [], ANSWERS: []}
        index, checks = {}, FileChecks()
        for block in self._read(unit):
            _add_to(index, block)
            checks.add(block)
            keys[ANSWERS].append(self._answers(unit, block))
            keys[CALLS].append(self._calls(unit, block, tally))
            kinds.update((name, kind_of_column(x)) for name, x in block.arrays.items())
            kinds |= _prediction_kinds(block)
            count_clocks(tally, block, self._window)
            yield from self._refused(block, tally)
        for kind, batches in keys.items():
            columns = {
                name: np.concatenate([batch[name] for batch in batches])
                for name in (batches[0] if batches else ())
            }
            if columns:
                yield from partition(kind, columns, self._partitions)
        yield TaggedOutput(COUNTS, tally.counts)
        yield TaggedOutput(KINDS, kinds)
        if index:
            rows = [(file, *firsts, *checks[file]) for file, firsts in index.items()]
            columns = dict(zip(SCHEMAS[INDEX].names, zip(*rows, strict=True), strict=True))
            yield TaggedOutput(INDEX, (unit.number, pack(INDEX, columns)))

    def _calls(self, unit: Unit, block: Block, tally: Tally) -> dict[str, np.ndarray]:
        parsed, window = block.parsed, self._window
        files = block.files[block.record]
        alive = block.usable | ~np.isin(block.record, list(block.dead))
        tally.add("rows", files[alive], block.lengths[alive])
        reached = (block.times >= window.first_request) & (block.times < window.end)
        inside = reached & (block.times >= window.start)
        lost = alive & ~block.usable
        tally.add("rows_rejected", files[lost & inside], block.lengths[lost & inside])
        away = (block.usable & ~reached) | (lost & ~inside)
        tally.add("rows_outside_window", files[away], block.lengths[away])
        kept = block.usable & reached
        first = [parsed.predictions[n] for n in block.starts[kept & (block.lengths > 0)]]
        answered = np.zeros(len(kept), bool)
        answered[kept & (block.lengths > 0)] = [x is not None for x in first]
        columns = {
            "id": block.ids,
            "time": block.times,
            "digest": np.array(parsed.digests, np.uint32),
            "file": files,
            "unit": np.full(len(kept), unit.number, np.int32),
            "number": block.calls,
            "first_row": np.array(parsed.first_rows, np.int64),
            "length": block.lengths.astype(np.int32),
            "anonymous": block.anonymous,
            "answered": answered,
        }
        return {name: values[kept] for name, values in columns.items()}

    def _answers(self, unit: Unit, block: Block) -> dict[str, np.ndarray]:
        found = []
        for record, response in block.parsed.responses:
            time = response.time
            if time is None and self._untimed == "window":
                time = self._window.start
            if time is None:
                block.dead[record] = "missing:time"
            elif self._window.reaches_response(time):
                found.append((record, time, response))
        records = np.array([record for record, *_ in found], np.int64)
        return {
            "id": np.array([x.request_id for *_, x in found], object),
            "time": np.array([time for _, time, _ in found], np.int64),
            "digest": np.array([x.digest for *_, x in found], np.uint32),
            "file": block.files[records],
            "unit": np.full(len(found), unit.number, np.int32),
            "number": block.record_numbers[records],
            "length": np.array([len(x.predictions) for *_, x in found], np.int32),
            "answer": np.array([_packed(x) for *_, x in found], object),
        }

    def _refused(self, block: Block, tally: Tally) -> Iterator[TaggedOutput]:
        """Accounts for the records, and hands on those that are none and rows nobody can use."""
        dead = list(block.dead)
        answers = [record for record, _ in block.parsed.responses]
        good = np.setdiff1d(np.concatenate([block.record, np.array(answers, np.int64)]), dead)
        tally.add("records_ok", block.files[good])
        tally.add("records_dead_lettered", block.files[dead])
        tally.add("records_read", np.delete(block.files, list(block.unfinished)))
        tally.counts["unfinished", ""] += len(block.unfinished)
        for record, reason in sorted(block.dead.items()):
            yield block.records.dead_letter(record, reason, tally)
        inside = (block.times >= self._window.start) & (block.times < self._window.end)
        lost = np.flatnonzero(~block.usable & inside & ~np.isin(block.record, dead))
        for record in np.unique(block.record[lost]).tolist():
            rows = block.starts[lost[block.record[lost] == record]]
            yield block.dead_letter(record, block.misfits[int(rows[0])], tally, rows)


def _prediction_kinds(block: Block) -> set[tuple[str, ColumnKind]]:
    answers = (x for _, response in block.parsed.responses for x in response.predictions)
    is_list = any(type(x) is list for x in chain(block.parsed.predictions, answers))
    return {("prediction", ColumnKind("float", is_list))}


def _add_to(index: dict[int, tuple[int, int]], block: Block) -> None:
    """Files that the block is the first to hold records of."""
    files, records = np.unique(block.files, return_index=True)
    calls = np.searchsorted(block.record, records)
    for file, record, call in zip(files.tolist(), records.tolist(), calls.tolist(), strict=True):
        number = block.calls[call] if call < len(block.calls) else block.next_call
        index.setdefault(file, (int(number), int(block.record_numbers[record])))


class Answer(NamedTuple):
    """A response as it is shuffled: as packed JSON; ``columns`` as in Response."""

    time: int | None
    predictions: list[Scores]
    columns: dict[str, Any]


def _packed(response: Response) -> bytes:
    return orjson.dumps(tuple(Answer(response.time, response.predictions, response.columns)))
