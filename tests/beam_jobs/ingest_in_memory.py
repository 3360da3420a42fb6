"""The stages of ``ingest_logs`` in memory, without a runner."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

import orjson
from apache_beam.pvalue import TaggedOutput
from tfx_vigil.beam_jobs.data_contract_check import Contract
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.ingest_account import COUNTS, DEAD_LETTERS, KINDS, LABELLED
from tfx_vigil.beam_jobs.ingest_blocks import ReadBlocks
from tfx_vigil.beam_jobs.ingest_config import IngestConfig, Window
from tfx_vigil.beam_jobs.ingest_keys import INDEX
from tfx_vigil.beam_jobs.ingest_plan import match, plan
from tfx_vigil.beam_jobs.ingest_report import make_report
from tfx_vigil.beam_jobs.ingest_resolve import Resolve
from tfx_vigil.beam_jobs.ingest_scan import ScanLogs
from tfx_vigil.beam_jobs.ingest_write import ORDERS, UNIT, WriteRows
from tfx_vigil.beam_jobs.log_columns import resolve_kinds, to_batch
from tfx_vigil.beam_jobs.log_formats import FORMATS
from tfx_vigil.beam_jobs.read_ground_truth import ParseGroundTruth, ScanGroundTruth
from tfx_vigil.beam_jobs.recognise_format import recognised
from tfx_vigil.beam_jobs.reports import IngestReport

PARTITIONS = 3


class Ingested(NamedTuple):
    """Rows are dicts of column to value, or list of values; letters are parsed."""

    report: IngestReport
    serving: list[dict]
    labelled: list[dict]
    letters: list[dict]


def ingest(config: IngestConfig, start, end) -> Ingested:
    """The report's identities are checked in making it."""
    window = Window.of(config, start, end)
    outputs: dict[str, list] = defaultdict(list)

    def take(found, main: str) -> None:
        for each in found:
            if isinstance(each, TaggedOutput):
                outputs[each.tag].append(each.value)
            else:
                outputs[main].append(each)

    logs = match(window.log_globs(config.logs), window.first_request / 1e6)
    config, truth = recognised(config, logs), config.ground_truth
    log_format = FORMATS[config.format](config)
    read = ReadBlocks(config, window, log_format, Contract(config.contract))
    units = {unit.number: unit for unit in plan(logs, config.format, window)}
    for unit in units.values():
        take(ScanLogs(read, window, config.untimed, PARTITIONS).process(unit), "keys")
    truths = match(window.label_globs(truth.files)) if truth else []
    if truth:
        parse = ParseGroundTruth(truth, config.features or {})
        for unit in plan(truths, "auto", window, first=len(logs)):
            take(ScanGroundTruth(parse, window, PARTITIONS).process(unit), "keys")
    kinds = resolve_kinds(set().union(*outputs[KINDS]), read.declared)
    for keyed in _grouped(outputs["keys"]).items():
        take(Resolve(window, log_format.answered).process(keyed), "orders")
    write = WriteRows(read, window, config.features or {}, log_format.answered, to_batch)
    for number, orders in _grouped(outputs["orders"]).items():
        index = [packed for unit, packed in outputs[INDEX] if unit == number]
        joined = {UNIT: [units[number]], INDEX: index, ORDERS: orders}
        take(write.process((number, joined), kinds), "serving")
    totals: Counter = sum(map(Counter, outputs[COUNTS]), Counter())
    files = [m.path for m in (*logs, *truths)]
    report = make_report(totals, config, window, files)
    serving, labelled = (_rows(outputs[split]) for split in ("serving", LABELLED))
    assert len(serving) == report.counts.rows_written
    assert len(labelled) == report.counts.labels_joined
    return Ingested(report, serving, labelled, list(map(orjson.loads, outputs[DEAD_LETTERS])))


def _grouped(pairs: list[tuple]) -> dict:
    groups = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _rows(batches: list) -> list[dict]:
    rows = []
    for batch in batches:
        assert len(encode_examples(batch)) == batch.num_rows
        for row in batch.to_pylist():
            values = {name: list(map(_text, x)) for name, x in row.items() if x is not None}
            rows.append({name: x[0] if len(x) == 1 else x for name, x in values.items()})
    return rows


def _text(value):
    return value.decode() if isinstance(value, bytes) else value
