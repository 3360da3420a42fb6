"""Plain logs: one prediction a record (JSON, CSV, Parquet, Avro), keys as ``FieldNames`` says."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ..ingest_config import IngestConfig
from ..log_containers.contract import Record
from ..log_values import (
    MAX_FLOAT,
    Malformed,
    cell,
    get_flag,
    get_number,
    get_row,
    get_text,
    get_time,
    prediction,
)
from .contract import LogFormat, Parsed, Request, json_object, transposed

_TEXTS = ("model_version", "endpoint", "status")


class MappedRecords(LogFormat):
    """Column by column; ``parse`` says of a record what ``parse_all`` does."""

    def __init__(self, config: IngestConfig):
        super().__init__(config)
        self._fields = config.fields
        self._hidden = frozenset(config.fields.model_dump().values())
        self._cells = config.format == "csv"
        self._texts = {config.fields.request_id, *(getattr(config.fields, x) for x in _TEXTS)} | {
            name for name, kind in (config.features or {}).items() if kind == "string"
        }

    def parse(self, record: Record) -> Request:
        parsed = self.parse_all([record])
        if parsed.bad:
            raise Malformed(parsed.bad[0])
        columns = {name: values[0] for name, values in parsed.columns.items()}
        (request_id,), (time,), (first_row,) = parsed.ids, parsed.times, parsed.first_rows
        row = {name: values[0] for name, values in parsed.values.items()}
        scores = None if parsed.predictions[0] is None else parsed.predictions
        return Request(request_id, time, [row], parsed.digests[0], columns, scores, first_row)

    def parse_all(self, records: Sequence[Record]) -> Parsed:
        objects, bad = _objects(records)
        values = transposed(objects)
        if self._cells:
            values = {
                name: cells if name in self._texts else list(map(cell, cells))
                for name, cells in values.items()
            }
        read, fields = _Reader(values, len(objects), bad), self._fields
        ids = read.column(fields.request_id, get_text, _plain_texts, required=True)
        times = read.times(fields.event_time)
        first_rows = read.column(fields.row, get_row, _nothing)
        scores = read.column(fields.prediction, self._score, _plain_scores)
        logged = {
            f"log_{name}": read.column(getattr(fields, name), get, is_plain)
            for name, get, is_plain in _COLUMNS
        }
        columns = {name: found for name, found in logged.items() if not _nothing(found)}
        features = {name: found for name, found in values.items() if name not in self._hidden}
        kept = [i not in bad for i in range(len(objects))] if bad else None

        def keep(found: Sequence) -> Sequence:
            return found if kept is None else list(compress(found, kept))

        return Parsed(
            bad=bad,
            record=keep(range(len(objects))),
            ids=list(keep(ids)),
            times=keep(times),
            first_rows=keep([row or 0 for row in first_rows]),
            lengths=[1] * (len(objects) - len(bad)),
            digests=[zlib.crc32(_bytes(record)) for record in keep(records)],
            columns={name: keep(found) for name, found in columns.items()},
            values={name: keep(found) for name, found in features.items()},
            predictions=keep(scores),
        )

    def _score(self, record: dict, field: str) -> float | list[float]:
        return prediction(record[field], self.config.prediction)


class _Reader:
    """Columns of records; what cannot be read is None, and its reason in ``bad``."""

    def __init__(self, values: Mapping[str, Sequence], count: int, bad: dict[int, str]):
        self._values = values
        self._count = count
        self._bad = bad

    def column(
        self,
        field: str,
        get: Callable[[dict, str], Any],
        is_plain: Callable[[Sequence], bool],
        required: bool = False,
    ) -> Sequence:
        """``get`` of each record that has a value, unless the values are plainly right."""
        values = self._of(field)
        if is_plain(values) and not (required and None in values):
            return values
        read = [None] * self._count
        for i, value in enumerate(values):
            if i not in self._bad and (required or value is not None):
                try:
                    read[i] = get({field: value}, field)
                except Malformed as error:
                    self._bad[i] = error.reason
        return read

    def times(self, field: str) -> Sequence[int | None]:
        values = self._of(field)
        if set(map(type, values)) == {str}:
            try:
                texts = pa.array(values)
                times = texts.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
            except (pa.ArrowInvalid, UnicodeEncodeError):
                pass
            else:
                seconds = pc.utf8_slice_codeunits(texts, 16, 17)  # Arrow takes 10:15Z for a time
                if pc.all(pc.equal(seconds, ":")).as_py():
                    return times.to_pylist()
        return self.column(field, get_time, lambda _: False, required=True)

    def _of(self, field: str) -> Sequence:
        return self._values.get(field) or [None] * self._count


def _objects(records: Sequence[Record]) -> tuple[list[dict], dict[int, str]]:
    try:
        objects = [orjson.loads(x) if type(x) is bytes else x for x in records]
        if set(map(type, objects)) <= {dict}:
            return objects, {}
    except orjson.JSONDecodeError:
        pass
    objects, bad = [], {}
    for i, record in enumerate(records):
        try:
            objects.append(json_object(record))
        except Malformed as error:
            bad[i] = error.reason
            objects.append({})
    return objects, bad


def _nothing(values: Sequence) -> bool:
    return set(map(type, values)) <= {type(None)}


def _plain_texts(values: Sequence) -> bool:
    return set(map(type, values)) <= {str, type(None)} and "" not in values


def _plain_scores(values: Sequence) -> bool:
    return _nothing(values) or (set(map(type, values)) == {float} and _in_range(values, -MAX_FLOAT))


def _plain_measures(values: Sequence) -> bool:
    return _nothing(values) or (set(map(type, values)) == {float} and _in_range(values, 0.0))


def _in_range(values: list[float], lower: float) -> bool:
    array = np.array(values)
    return bool(((array >= lower) & (array <= MAX_FLOAT)).all())


def _measure(record: dict, field: str) -> float:
    value = get_number(record, field)
    if value < 0:
        raise Malformed("bad_value", field)
    return value


def _bytes(record: Record) -> bytes:
    if type(record) is bytes:
        return record
    return orjson.dumps(record, default=str, option=orjson.OPT_SORT_KEYS)


_COLUMNS = (
    *((name, get_text, _plain_texts) for name in _TEXTS),
    *((name, _measure, _plain_measures) for name in ("latency_ms", "sampling_weight")),
    ("model_decided", get_flag, _nothing),
)
