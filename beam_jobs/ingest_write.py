"""Second pass over the logs: the rows that the first one chose, as record batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import TaggedOutput

from .ingest_account import COUNTS, LABELLED, Tally
from .ingest_blocks import Block, FileChecks, ReadBlocks
from .ingest_config import FIXED_COLUMNS, Kind, Window
from .ingest_keys import CHOSEN, INDEX, JOINED, REFUSED, places_by, unpack
from .ingest_plan import Unit
from .ingest_rows import BlockRows
from .ingest_traffic import count_rows, count_traffic
from .join_calls import column
from .log_columns import ColumnKind, to_array
from .log_formats.contract import transposed

UNIT, ORDERS = "unit", "orders"
_TRAFFIC = ("log_model_version", "log_status", "log_latency_ms")
ToBatch = Callable[[Mapping[str, pa.Array], Mapping[str, ColumnKind]], pa.RecordBatch]


class LogChanged(RuntimeError):
    """A file is not what it was a moment ago."""


class WriteRows(beam.DoFn):
    """(unit number, its Unit and orders) to record batches of the serving split.

    Outputs besides: record batches of ``labelled``, dead letters, a Tally for each unit. Side
    input ``kinds``: of ``resolve_kinds``. declared: types of the label's columns. awaits: the
    format logs answers as records of their own.
    """

    def __init__(
        self,
        read: ReadBlocks,
        window: Window,
        declared: Mapping[str, Kind],
        awaits: bool,
        to_batch: ToBatch,
    ):
        self._read = read
        self._window = window
        self._declared = declared
        self._awaits = awaits
        self._to_batch = to_batch

    def process(self, keyed: tuple[int, dict[str, Any]], kinds: dict) -> Iterator[Any]:
        (unit,) = keyed[1][UNIT]
        orders = unpack([*keyed[1][INDEX], *keyed[1][ORDERS]])
        chosen, joined, refused = (
            orders[kind].sort_by("number") for kind in (CHOSEN, JOINED, REFUSED)
        )
        refused_calls = refused.filter(refused["is_call"])
        refused_records = refused.filter(pc.invert(refused["is_call"]))
        tally, checks = Tally(), FileChecks()
        index = _needed(orders[INDEX], [chosen, joined, refused_calls], refused_records)
        for block in self._read(unit, index):
            checks.add(block)
            calls = _placed(chosen, block.calls)
            if len(calls):
                rows = BlockRows(block, _answers(calls) if self._awaits else None)
                for batch in self._serving(rows, calls, tally):
                    yield self._to_batch(batch, kinds)
                for batch in self._labelled(rows, _placed(joined, block.calls), tally):
                    yield TaggedOutput(LABELLED, self._to_batch(batch, kinds))
                yield from _misfits(rows, calls, tally)
            yield from _refused(block, refused_calls, refused_records, tally)
        _check(unit, orders[INDEX], index, checks)
        yield TaggedOutput(COUNTS, tally.counts)

    def _serving(
        self, rows: BlockRows, calls: pa.Table, tally: Tally
    ) -> Iterator[dict[str, pa.Array]]:
        block = rows.block
        places, call = rows.places(_serving_calls(calls))
        unwanted, misfit = _unusable(block, places)
        files = block.files[block.record[call]]
        tally.add("rows_duplicate", files[unwanted])
        tally.add("rows_rejected", files[misfit])
        count_rows(tally, rows.features(places), block.times[call], self._window)
        kept = ~(unwanted | misfit)
        tally.add("rows_written", files[kept])
        places, call = places[kept], call[kept]
        if len(places):
            leading = calls.filter(calls["leads"])
            leads = np.isin(call, column(leading, "place"))
            columns = (rows.of_calls(name, call) for name in _TRAFFIC)
            count_traffic(tally, *columns, leads & (places == block.starts[call]))
            yield rows.features(places) | rows.logged(places, call)

    def _labelled(
        self, rows: BlockRows, labels: pa.Table, tally: Tally
    ) -> Iterator[dict[str, pa.Array]]:
        block, file = rows.block, column(labels, "file")
        call = column(labels, "place")
        places = block.starts[call] + column(labels, "row")
        unwanted, misfit = _unusable(block, places)
        tally.add("labels_repeated", file[unwanted])
        tally.add("labels_orphan", file[misfit])
        kept = ~(unwanted | misfit)
        tally.add("labels_joined", file[kept])
        places, call = places[kept], call[kept]
        if len(places):
            logged = rows.features(places) | rows.logged(places, call)
            yield logged | self._facts(labels.filter(pa.array(kept)), logged)

    def _facts(self, labels: pa.Table, logged: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
        """What the labels say; where one says nothing of a column, what was logged stands."""
        facts = [orjson.loads(x) for x in labels["values"].to_pylist()]
        arrays = {"log_label_time": labels["time"].combine_chunks()}
        corrects = pa.array([x or None for x in labels["corrects"].to_pylist()], pa.bool_())
        arrays["log_label_corrects"] = corrects.cast(pa.int64())
        for name, values in transposed(facts).items():
            if None in values and name in logged:
                known = logged[name].to_pylist()
                values = [b if a is None else a for a, b in zip(values, known, strict=True)]
            kind = FIXED_COLUMNS.get(name) or self._declared.get(name)
            arrays[name], _ = to_array(values, kind)
        return arrays


def _check(
    unit: Unit, seen: pa.Table, index: dict[int, tuple[int, int]], checks: FileChecks
) -> None:
    paths = {extent.file: extent.path for extent in unit.extents}
    for row in seen.to_pylist():
        if row["file"] in index and checks[row["file"]] != (row["records"], row["digest"]):
            raise LogChanged(
                f"{paths[row['file']]} was changed, not only appended to, while it was read: "
                "run the window again, over logs that are left alone"
            )


def _needed(
    index: pa.Table, of_calls: list[pa.Table], of_records: pa.Table
) -> dict[int, tuple[int, int]]:
    """The files, of those in ``index``, that hold what is ordered."""
    file, call, record = (column(index, name) for name in ("file", "call", "record"))
    calls = np.concatenate([column(table, "number") for table in of_calls])
    places = [
        np.searchsorted(firsts, numbers, side="right") - 1
        for firsts, numbers in ((call, calls), (record, column(of_records, "number")))
    ]
    needed = np.unique(np.concatenate(places))
    firsts = zip(call[needed].tolist(), record[needed].tolist(), strict=True)
    return dict(zip(file[needed].tolist(), firsts, strict=True))


def _placed(orders: pa.Table, numbers: np.ndarray) -> pa.Table:
    """The orders about ``numbers``, which are those of a block, and the ``place`` of each there."""
    if not len(numbers):
        return orders.slice(0, 0).append_column("place", pa.array([], pa.int64()))
    wanted = column(orders, "number")
    start, end = np.searchsorted(wanted, [numbers[0], numbers[-1] + 1])
    places = np.searchsorted(numbers, wanted[start:end])
    return orders.slice(start, end - start).append_column("place", pa.array(places))


def _answers(calls: pa.Table) -> dict[int, bytes]:
    packed = zip(calls["place"].to_pylist(), calls["answer"].to_pylist(), strict=True)
    return {call: answer for call, answer in packed if answer is not None}


def _serving_calls(calls: pa.Table) -> np.ndarray:
    return column(calls.filter(calls["serving"]), "place")


def _unusable(block: Block, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which rows an earlier run has written, and which others are misfits."""
    unwanted = np.isin(places, block.unwanted)
    return unwanted, np.isin(places, list(block.misfits)) & ~unwanted


def _misfits(rows: BlockRows, calls: pa.Table, tally: Tally) -> Iterator[TaggedOutput]:
    """One letter for each record that has misfits among the rows of the serving split."""
    block = rows.block
    if not block.misfits:
        return
    places, call = rows.places(_serving_calls(calls))
    _, misfit = _unusable(block, places)
    places, records = places[misfit], block.record[call[misfit]]
    for record, those in places_by(records):
        reason = block.misfits[int(places[those[0]])]
        yield block.dead_letter(record, reason, tally, places[those])


def _refused(
    block: Block, calls: pa.Table, records: pa.Table, tally: Tally
) -> Iterator[TaggedOutput]:
    of_calls = _placed(calls, block.calls)
    for call, reason in zip(of_calls["place"], of_calls["reason"], strict=True):
        record = int(block.record[call.as_py()])
        yield block.records.dead_letter(record, reason.as_py(), tally)
    of_records = _placed(records, block.record_numbers)
    for record, reason in zip(of_records["place"], of_records["reason"], strict=True):
        yield block.records.dead_letter(record.as_py(), reason.as_py(), tally)
