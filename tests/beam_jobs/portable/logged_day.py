"""A day of traffic with all that can be wrong with it: in several formats, in one file or many."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tfx_vigil.beam_jobs.ingest_config import IngestConfig

from ..log_formats.calls import Call
from ..log_formats.kserve_writer import log_requests
from ..log_formats.mapped_writer import rows_of
from ..log_formats.prediction_log_writer import to_log

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)
HORIZON_HOURS = 24
HOUR = 3_600_000_000
CALLS, MINUTES_APART = 240, 12
FIRST = round(START.timestamp() * 1e6) - 23 * HOUR


def calls() -> list[Call]:
    """From 23 hours before the day to an hour after it; of one row and of two, in turn."""
    draw, made = random.Random(5), []
    for n in range(CALLS):
        rows = [
            {"a": n % 10 + k / 2, "b": draw.randrange(-800, 800) / 8, "trip": f"t{n}/{k}"}
            for k in range(1 + n % 2)
        ]
        scores = [draw.randrange(1024) / 1024 for _ in rows]
        time = FIRST + n * MINUTES_APART * HOUR // 60
        made.append(Call(f"r{n}", time, str(1 + n // 100), rows, scores))
    return made


def again(call: Call) -> Call:
    """A retry a minute later, which got another answer."""
    return call._replace(time=call.time + HOUR // 60, predictions=[0.0] * len(call.rows))


class Format(NamedTuple):
    """records: those of a call. bad: records that cannot be used, nor what belongs to them.
    save: writes records into one file. by_trip: a row is known by its feature ``trip`` alone."""

    records: Callable[[Call], list]
    bad: list
    save: Callable[[Path, list], None]
    by_trip: bool = False


def _save_lines(path: Path, records: list[str]) -> None:
    path.write_text("".join(f"{record}\n" for record in records))


def _save_array(path: Path, records: list[dict]) -> None:
    path.write_text(json.dumps(records))


def _save_table(path: Path, records: list[dict]) -> None:
    pq.write_table(pa.Table.from_pylist(records), path, row_group_size=20)


def _save_tfrecords(path: Path, records: list[bytes]) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def _bad_log_requests() -> list[dict]:
    first, second, third = (
        log_requests(
            Call(f"bad{n}", FIRST + 30 * HOUR, "1", [{"a": 0.5, "b": 0.5, "trip": "t"}], [0.5])
        )
        for n in range(3)
    )
    too_many = log_requests(again(calls()[1]))[1]
    return [
        {**first[0], "bytes": first[0]["bytes"][:-3]},
        second[1],
        third[0],
        {**too_many, "id": third[1]["id"]},
    ]


_A_ROW = rows_of(calls()[130])[0]

FORMATS = {
    "json_lines": Format(
        lambda call: list(map(json.dumps, rows_of(call))),
        ["{", json.dumps({"request_id": "bad"})],
        _save_lines,
    ),
    "kserve": Format(lambda call: list(log_requests(call)), _bad_log_requests(), _save_array),
    "parquet": Format(rows_of, [{**_A_ROW, "request_id": None}], _save_table),
    "prediction_log": Format(
        lambda call: [to_log(call).SerializeToString(deterministic=True)],
        [b"\xff\xff\xff"],
        _save_tfrecords,
        by_trip=True,
    ),
}


def write(folder: Path, name: str, files: int) -> IngestConfig:
    """Logs and ground truth in ``files`` files each, in an order that depends on ``files``."""
    form, made = FORMATS[name], calls()
    logged = [*made, *map(again, made[::11])]
    records = [record for call in logged for record in form.records(call)] + form.bad
    for place, those, save in (
        ("logs", records, form.save),
        ("truth", list(_truth(made, form.by_trip)), _save_lines),
    ):
        (folder / place).mkdir(parents=True)
        random.Random(files).shuffle(those)
        for n in range(files):
            save(folder / place / f"{n:03}", those[n::files])
    return IngestConfig(
        format=name,
        logs=f"{folder}/logs/*",
        features={"a": "float"},
        request_id="trip" if form.by_trip else None,
        ground_truth={"files": f"{folder}/truth/*", "columns": ["tip"]},
        contract={"fields": {"a": {"max": 9}}},
        horizon_hours=HORIZON_HOURS,
        max_dead_letter_share=1,
    )


def _truth(made: list[Call], by_trip: bool) -> Iterator[str]:
    """In turn a call has one label, none, a late one, the same twice, two that disagree, one that
    is corrected an hour later, and one that is corrected a day after the call."""
    for n, call in enumerate(made):
        for row in range(len(call.rows)):
            key = {"request_id": f"t{n}/{row}"} if by_trip else {"request_id": f"r{n}", "row": row}
            for hours, said in (
                [(1, 1)],
                [],
                [(HORIZON_HOURS + 1, 1)],
                [(1, 1), (2, 1)],
                [(1, 1), (1, 0)],
                [(1, 1), (2, 0)],
                [(0.1, 1), (HORIZON_HOURS - 0.1, 0)],
            )[n % 7]:
                time = call.time + round(hours * HOUR)
                yield json.dumps({**key, "time": time, "label": said, "tip": n / 4})
    yield json.dumps({"request_id": "gone", "time": FIRST + 30 * HOUR, "label": 1})
    yield json.dumps({"request_id": "r100", "time": FIRST + 30 * HOUR})
