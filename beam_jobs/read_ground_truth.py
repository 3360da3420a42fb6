"""Ground truth to labels, keyed by request id; ``GroundTruthConfig`` explains its keys."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import apache_beam as beam
import numpy as np
import orjson
from apache_beam.pvalue import TaggedOutput

from .data_contract import Kind
from .ingest_account import COUNTS, KINDS, Tally
from .ingest_config import GroundTruthConfig, Window
from .ingest_keys import LABELS, partition
from .ingest_plan import Unit
from .ingest_records import read_records
from .log_columns import kinds_of
from .log_containers.contract import Record
from .log_containers.detect import is_csv, read
from .log_formats.contract import NOT_JSON, json_object
from .log_formats.sagemaker_truth import arrival, parse_sagemaker_truth
from .log_values import (
    Malformed,
    cell,
    features,
    get,
    get_flag,
    get_row,
    get_text,
    get_time,
    scalar,
)


class Label(NamedTuple):
    """``values``: ``label`` and the columns that arrived with it; ``time`` in microseconds."""

    request_id: str
    row: int
    time: int
    values: dict[str, Any]


class ParseGroundTruth:
    """A record to its labels."""

    def __init__(self, truth: GroundTruthConfig, declared: Mapping[str, Kind]):
        self._truth = truth
        self._declared = declared

    def __call__(self, record: Record, path: str, is_text: bool) -> list[Label]:
        """``is_text``: the record's values are cells of a CSV table. Raises Malformed."""
        record = json_object(record)
        if "groundTruthData" in record:
            return self._of_sagemaker(record, path)
        truth = self._truth
        request_id = get_text(record, truth.request_id)
        if is_text:
            record = {
                name: value if self._declared.get(name) == "string" else cell(value)
                for name, value in record.items()
            }
        values = features({name: record.get(name) for name in truth.columns}, self._declared)
        values["label"] = _scalar(get(record, truth.label), truth.label)
        if record.get(truth.model_decided) is not None:
            values["log_model_decided"] = get_flag(record, truth.model_decided)
        time = get_time(record, truth.time)
        return [Label(request_id, get_row(record, truth.row), time, values)]

    def _of_sagemaker(self, record: dict, path: str) -> list[Label]:
        time = arrival(path)
        if time is None:
            raise Malformed("missing", "time")
        return [
            Label(request_id, row, time, {"label": _scalar(value, "groundTruthData")})
            for request_id, row, value in parse_sagemaker_truth(record)
        ]


class ScanGroundTruth(beam.DoFn):
    """A unit to (partition, packed labels) of all that the window reaches.

    Outputs besides, as of ``ScanLogs``: dead letters, a Tally and kinds for each unit.
    """

    def __init__(self, parse: ParseGroundTruth, window: Window, partitions: int):
        self._parse = parse
        self._window = window
        self._partitions = partitions

    def process(self, unit: Unit) -> Iterator[Any]:
        tally, kinds = Tally(), set()
        for records in read_records(unit.extents, partial(read, format="auto")):
            labels = []
            damaged, tails = records.damage()
            is_text = {x.file: is_csv(x.path, "auto") for x, _ in records.chunks}
            for i, (extent, record) in enumerate(records):
                try:
                    if i in damaged:
                        raise Malformed(damaged[i])
                    found = self._parse(record, extent.path, is_text[extent.file])
                except Malformed as error:
                    if i in tails and (i in damaged or error.reason == NOT_JSON):
                        tally.counts["unfinished", ""] += 1
                        continue
                    tally.count("records_dead_lettered", extent.file)
                    yield records.dead_letter(i, error.reason, tally)
                else:
                    tally.count("records_ok", extent.file)
                    labels += [(label, extent.file) for label in found]
                tally.count("records_read", extent.file)
            yield from self._keys(labels, tally)
            kinds.update(pair for label, _ in labels for pair in kinds_of(label.values))
        yield TaggedOutput(COUNTS, tally.counts)
        yield TaggedOutput(KINDS, kinds)

    def _keys(self, labels: list[tuple[Label, int]], tally: Tally) -> Iterator[Any]:
        for label, file in labels:
            tally.count("labels_read", file)
            if not self._window.reaches_label(label.time):
                tally.count("labels_outside_window", file)
        reached = [x for x in labels if self._window.reaches_label(x[0].time)]
        packed = [orjson.dumps(label.values, option=orjson.OPT_SORT_KEYS) for label, _ in reached]
        columns = {
            "id": np.array([label.request_id for label, _ in reached], object),
            "time": np.array([label.time for label, _ in reached], np.int64),
            "digest": np.array([zlib.crc32(x) for x in packed], np.uint32),
            "file": np.array([file for _, file in reached], np.int32),
            "row": np.array([label.row for label, _ in reached], np.int64),
            "values": np.array(packed, object),
        }
        yield from partition(LABELS, columns, self._partitions)


def _scalar(value: Any, field: str) -> float | str:
    try:
        return scalar(value, None)
    except ValueError:
        raise Malformed("bad_value", field) from None
