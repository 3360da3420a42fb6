"""What a user does with the job by hand: replay, Parquet, contracts, growing files, repetition."""

from __future__ import annotations

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.ingest_logs import run
from tfx_vigil.beam_jobs.ingest_resolve import Resolve
from tfx_vigil.beam_jobs.ingest_write import LogChanged
from tfx_vigil.beam_jobs.recognise_format import UnknownFormat

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)
BEFORE_THE_END = END.timestamp() - 1


def line(n, **features):
    moment = (START + timedelta(minutes=n)).isoformat()
    return {"request_id": f"r{n}", "event_time": moment, "prediction": 0.5, **features}


def json_lines(path, records, **config):
    """The file seems to have been written within the window, so nothing is about to come."""
    path.write_bytes(b"\n".join(x if type(x) is bytes else json.dumps(x).encode() for x in records))
    os.utime(path, (BEFORE_THE_END, BEFORE_THE_END))
    return IngestConfig(format="json_lines", logs=str(path), **config)


def ingest(config, out, **options):
    return run(config, START, END, str(out), **options)


def examples(out, split="serving"):
    """Rows in the order of the files, as (name, values) pairs in the order of the names."""
    files = sorted(str(path) for path in (out / f"Split-{split}").iterdir())
    rows = []
    for data in tf.data.TFRecordDataset(files).as_numpy_iterator():
        features = tf.train.Example.FromString(data).features.feature
        kinds = {name: feature.WhichOneof("kind") for name, feature in features.items()}
        rows.append({x: list(getattr(features[x], k).value) for x, k in sorted(kinds.items()) if k})
    return rows


def letters(out):
    return [
        json.loads(letter)
        for path in sorted((out / "dead_letter").iterdir())
        for letter in gzip.decompress(path.read_bytes()).splitlines()
    ]


def test_dead_letters_are_read_again_after_the_configuration_was_mended(tmp_path):
    records = [line(0, fare=7), line(1, fare="free"), line(2, fare=9), b"{"]
    wrong = json_lines(
        tmp_path / "log", records, features={"fare": "float"}, max_dead_letter_share=1
    )
    first = ingest(wrong, tmp_path / "first")
    assert (first.counts.rows_written, first.counts.records_dead_lettered) == (2, 2)
    mended = {"features": {"fare": "string"}, "replay": True}
    again = wrong.model_copy(update={"logs": [f"{tmp_path}/first/dead_letter/*"], **mended})
    second = ingest(again, tmp_path / "second")
    assert [row["fare"] for row in examples(tmp_path / "second")] == [[b"free"]]
    assert second.dead_letter_reasons == {"not_json": 1}
    (letter,) = letters(tmp_path / "second")
    (known,) = [x for x in letters(tmp_path / "first") if x["reason"] == "not_json"]
    assert letter == known


def kserve(side, rid, body):
    payload = base64.b64encode(json.dumps(body).encode()).decode()
    moment = (START + timedelta(hours=1)).isoformat()
    return {"reqType": side, "id": rid, "occurrenceTime": moment, "bytes": payload}


def test_a_replayed_batch_gives_only_the_rows_that_are_missing(tmp_path):
    instances = [{"x": 1}, {"x": "two"}, {"x": 3}]
    log = tmp_path / "log.json"
    log.write_text(
        json.dumps(
            [
                kserve("request", "a", {"instances": instances}),
                kserve("response", "a", {"predictions": [0.1, 0.2, 0.3]}),
            ]
        )
    )
    config = IngestConfig(
        format="kserve", logs=str(log), features={"x": "float"}, max_dead_letter_share=1
    )
    first = ingest(config, tmp_path / "first")
    assert (first.counts.rows_written, first.counts.rows_rejected) == (2, 1)
    assert [x["rows"] for x in letters(tmp_path / "first")] == [[1]]
    again = config.model_copy(
        update={
            "logs": [f"{tmp_path}/first/dead_letter/*"],
            "replay": True,
            "features": {"x": "string"},
        }
    )
    second = ingest(again, tmp_path / "second")
    assert (second.counts.rows_written, second.counts.rows_duplicate) == (1, 2)
    (row,) = examples(tmp_path / "second")
    assert (row["x"], row["log_row"]) == ([b"two"], [1])


def test_a_replayed_csv_row_still_knows_its_header(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(
        "request_id,event_time,age\na,2026-01-01T01:00:00Z,41\nb,2026-01-01T01:00:00Z,unknown\n"
    )
    config = IngestConfig(
        format="csv", logs=str(log), features={"age": "int"}, max_dead_letter_share=1
    )
    ingest(config, tmp_path / "first")
    again = config.model_copy(
        update={"logs": [f"{tmp_path}/first/dead_letter/*"], "replay": True, "features": None}
    )
    ingest(again, tmp_path / "second")
    (row,) = examples(tmp_path / "second")
    assert (row["log_request_id"], row["age"]) == ([b"b"], [b"unknown"])


def test_parquet_has_every_column_and_lists_only_where_a_row_has_one(tmp_path):
    config = json_lines(tmp_path / "log", [line(0, tags=["a", "b"], x=1), line(1, s="only here")])
    ingest(config, tmp_path / "out", payload="parquet")
    rows = pq.read_table(tmp_path / "out" / "Split-serving").to_pylist()
    assert [(row["tags"], row["x"], row["s"], row["prediction"]) for row in rows] == [
        (["a", "b"], 1.0, None, 0.5),
        (None, None, "only here", 0.5),
    ]


@pytest.mark.parametrize(
    ("newline", "written", "unfinished", "dead"),
    [
        ("", END.timestamp() + 60, 1, 0),
        ("\n", END.timestamp() + 60, 0, 1),
        ("", BEFORE_THE_END, 0, 1),
    ],
)
def test_a_line_that_is_being_written_after_the_window_is_left_to_a_later_one(
    tmp_path, newline, written, unfinished, dead
):
    path = tmp_path / "log"
    path.write_text(json.dumps(line(1)) + '\n{"request_id": "r2", "ev' + newline)
    os.utime(path, (written, written))
    config = IngestConfig(format="json_lines", logs=str(path), max_dead_letter_share=1)
    report = ingest(config, tmp_path / "out")
    assert report.counts.rows_written == 1
    assert report.unfinished_records == unfinished
    assert report.counts.records_dead_lettered == dead == len(letters(tmp_path / "out"))


CONTRACT = {
    "fields": {"fare": {"kind": "float", "required": True, "min": 0}, "kind": {"values": ["a"]}}
}
RECORDS = [
    line(0, fare=7, kind="a"),
    line(1, fare=-1, kind="a"),
    line(2, kind="b"),
    line(3, fare="free", kind="a"),
]


def test_a_broken_contract_makes_a_dead_letter(tmp_path):
    config = json_lines(tmp_path / "log", RECORDS, contract=CONTRACT, max_dead_letter_share=1)
    report = ingest(config, tmp_path / "out")
    assert [row["log_request_id"] for row in examples(tmp_path / "out")] == [[b"r0"]]
    assert report.dead_letter_reasons == {
        "bad_value:fare": 1,
        "missing:fare": 1,
        "out_of_domain:fare": 1,
    }


def test_a_broken_contract_can_be_a_mark(tmp_path):
    contract = CONTRACT | {"on_violation": "mark"}
    report = ingest(json_lines(tmp_path / "log", RECORDS, contract=contract), tmp_path / "out")
    marks = {
        row["log_request_id"][0]: row.get("log_violations", [None])[0]
        for row in examples(tmp_path / "out")
    }
    assert marks == {
        b"r0": None,
        b"r1": b"out_of_domain:fare",
        b"r2": b"missing:fare,out_of_domain:kind",
        b"r3": b"wrong_type:fare",
    }
    assert report.counts.rows_written == 4


def test_a_row_that_the_model_decided_says_so(tmp_path):
    truth = tmp_path / "truth"
    truth.write_text(
        json.dumps({"request_id": "r0", "time": line(9)["event_time"], "label": 0, "blocked": True})
    )
    config = json_lines(
        tmp_path / "log",
        [line(0)],
        ground_truth={"files": str(truth), "model_decided": "blocked"},
        horizon_hours=1,
    )
    ingest(config, tmp_path / "out")
    (row,) = examples(tmp_path / "out", "labelled")
    assert row["log_model_decided"] == [1]


@pytest.mark.parametrize("name", ["truth.csv", "truth.parquet"])
def test_ground_truth_may_be_a_table(tmp_path, name):
    rows = [{"request_id": "r0", "time": line(9)["event_time"], "label": 1, "tip": 2.5}]
    if name.endswith("csv"):
        (tmp_path / name).write_text(f"request_id,time,label,tip\nr0,{rows[0]['time']},1,2.5\n")
    else:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    config = json_lines(
        tmp_path / "log",
        [line(0)],
        ground_truth={"files": f"{tmp_path}/{name}", "columns": ["tip"]},
        horizon_hours=1,
    )
    ingest(config, tmp_path / "out")
    (row,) = examples(tmp_path / "out", "labelled")
    assert (float(row["label"][0]), row["tip"]) == (1.0, [2.5])


def test_spans_are_numbered_folders_of_which_stale_ones_are_not_read(tmp_path):
    for name, written in (("7", BEFORE_THE_END), ("6", START.timestamp() - 3600)):
        (tmp_path / f"span-{name}").mkdir()
        path = tmp_path / f"span-{name}" / "log"
        path.write_text(json.dumps(line(int(name))))
        os.utime(path, (written, written))
    (tmp_path / "span-x").mkdir()
    (tmp_path / "span-x" / "log").write_text("{")
    config = IngestConfig(format="json_lines", logs=f"{tmp_path}/span-{{SPAN}}/log")
    report = ingest(config, tmp_path / "out")
    assert [Path(f.file).parent.name for f in report.files] == ["span-7"]


def test_an_unknown_format_is_an_error_that_says_what_to_do(tmp_path):
    (tmp_path / "log").write_text('{"who": "jane@example.org"}\n')
    config = IngestConfig(format="auto", logs=f"{tmp_path}/log")
    with pytest.raises(UnknownFormat, match="name the format") as error:
        ingest(config, tmp_path / "out")
    assert "jane" not in str(error.value)


def test_mixed_formats_are_refused_by_name(tmp_path):
    (tmp_path / "a.log").write_text(json.dumps(line(0)))
    (tmp_path / "b.log").write_text(json.dumps(kserve("request", "a", {"instances": []})))
    config = IngestConfig(format="auto", logs=f"{tmp_path}/*.log")
    with pytest.raises(UnknownFormat, match=r"json_lines \(.*a.log\), kserve \(.*b.log\)"):
        ingest(config, tmp_path / "out")


def many(path, count):
    records = [line(n % 1400, x=n, s=f"text {n}") | {"request_id": f"r{n}"} for n in range(count)]
    return json_lines(path, records)


def test_running_twice_gives_the_same_rows_in_the_same_order_and_the_same_report(tmp_path):
    config = many(tmp_path / "log", 9_000)
    reports = [ingest(config, tmp_path / out) for out in ("one", "two")]
    assert reports[0] == reports[1]
    assert examples(tmp_path / "one") == examples(tmp_path / "two")
    names = [
        sorted(p.name for p in (tmp_path / o / "Split-serving").iterdir()) for o in ("one", "two")
    ]
    assert names[0] == names[1]


def test_a_killed_run_leaves_nothing_that_a_later_run_or_reader_takes_for_its_own(tmp_path):
    config = many(tmp_path / "log", 60_000)
    (tmp_path / "config.json").write_text(config.model_dump_json())
    out = tmp_path / "out"
    command = [
        *(sys.executable, "-m", "tfx_vigil.beam_jobs.ingest_logs"),
        f"--config={tmp_path}/config.json",
        "--window-start=2026-01-01T00:00:00Z",
        "--window-end=2026-01-02T00:00:00Z",
        f"--output={out}",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    begun = time.monotonic()
    while not list(out.glob("Split-serving/*/*")) and time.monotonic() - begun < 120:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(out.glob("Split-serving/*/*"))
    assert not (out / "report.json").exists()
    again, fresh = (ingest(config, folder) for folder in (out, tmp_path / "fresh"))
    assert again == fresh
    files = [sorted(str(p.relative_to(f)) for p in f.rglob("*")) for f in (out, tmp_path / "fresh")]
    assert files[0] == files[1]


def test_a_log_that_is_rewritten_while_it_is_read_is_an_error_that_names_it(tmp_path, monkeypatch):
    config = json_lines(tmp_path / "log", [line(n, x=1) for n in range(9)])
    resolve = Resolve.process

    def meddling(self, keyed):
        json_lines(tmp_path / "log", [line(n, x=2) for n in range(9)])
        return resolve(self, keyed)

    monkeypatch.setattr(Resolve, "process", meddling)
    with pytest.raises(LogChanged, match=f"{tmp_path}/log was changed"):
        ingest(config, tmp_path / "out")
