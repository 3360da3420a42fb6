"""The whole job on the in-process runner, and its outputs in stock TFX libraries."""

import base64
import gzip
import json
import stat
from datetime import datetime, timedelta, timezone

import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx_vigil.beam_jobs import ingest_logs
from tfx_vigil.beam_jobs.accounting import AccountError
from tfx_vigil.beam_jobs.engine import IN_PROCESS
from tfx_vigil.beam_jobs.ingest_config import IngestConfig, Window
from tfx_vigil.beam_jobs.ingest_logs import NoLogs, fingerprint, run
from tfx_vigil.beam_jobs.ingest_report import TooManyDeadLetters, make_report
from tfx_vigil.beam_jobs.reports import IngestReport, read_report

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)


def at(hours):
    return (START + timedelta(hours=hours)).isoformat()


def kserve(side, rid, hours, body):
    payload = base64.b64encode(json.dumps(body).encode()).decode()
    kind = f"org.kubeflow.serving.inference.{side}"
    return {"reqType": kind, "id": rid, "occurrenceTime": at(hours), "bytes": payload}


def call(n, hours):
    """A request of n + 1 instances and its response."""
    instances = [{"n": n, "row": row, "email": f"u{n}@example.org"} for row in range(n + 1)]
    return (
        kserve("request", f"r{n}", hours, {"instances": instances}),
        kserve("response", f"r{n}", hours + 1e-4, {"predictions": [n / 4] * (n + 1)}),
    )


def read(output, split):
    files = sorted(str(path) for path in (output / f"Split-{split}").iterdir())
    assert files
    rows = []
    for data in tf.data.TFRecordDataset(files).as_numpy_iterator():
        columns = tf.train.Example.FromString(data).features.feature
        kinds = {name: column.WhichOneof("kind") for name, column in columns.items()}
        rows.append({n: getattr(columns[n], k).value[0] for n, k in kinds.items() if k})
    return sorted(rows, key=lambda row: (row["log_request_id"], row["log_row"]))


def dead_letters(output):
    return [
        json.loads(line)
        for path in sorted((output / "dead_letter").iterdir())
        for line in gzip.decompress(path.read_bytes()).splitlines()
    ]


@pytest.fixture(scope="module")
def kserve_log(tmp_path_factory):
    """Four calls in the ways in which they may lie in files, one of them of the day before."""
    folder = tmp_path_factory.mktemp("kserve")
    logs = folder / "logs"
    logs.mkdir()
    (r0, a0), (r1, a1), (r2, a2), (r3, a3) = (call(n, n if n < 3 else -1) for n in range(4))
    (logs / "r0-request.json").write_text(json.dumps(r0))
    (logs / "r0-response.json").write_text(json.dumps(a0))
    (logs / "r1-request.json.gz").write_bytes(gzip.compress(json.dumps([r1, r2]).encode()))
    (logs / "r1-response.json").write_bytes(gzip.compress(json.dumps([a2, a1]).encode()))
    (logs / "r3.jsonl").write_text(f"{json.dumps(r3)}\n{json.dumps(a3)}\n")
    truth = [
        {"request_id": "r1", "row": 1, "time": at(5), "label": True, "tip": 2.5},
        {"request_id": "r3", "time": at(6), "label": False, "tip": None},
        {"request_id": "gone", "time": at(6), "label": True},
    ]
    (folder / "truth.jsonl").write_text("\n".join(map(json.dumps, truth)))
    return IngestConfig(
        format="kserve",
        logs=f"{logs}/*",
        features={"n": "int"},
        ground_truth={"files": f"{folder}/truth.jsonl", "columns": ["tip"]},
        horizon_hours=24,
    )


@pytest.fixture(scope="module")
def output(kserve_log, tmp_path_factory):
    output = tmp_path_factory.mktemp("output")
    run(kserve_log, START, END, str(output))
    return output


def test_kserve_blobs_become_examples_of_both_splits(output):
    report = read_report(str(output), IngestReport)
    serving, labelled = read(output, "serving"), read(output, "labelled")
    assert [(row["log_request_id"], row["log_row"]) for row in serving] == [
        (f"r{n}".encode(), row) for n in range(3) for row in range(n + 1)
    ]
    assert serving[-1] == {
        "n": 2,
        "row": 2.0,
        "email": b"u2@example.org",
        "prediction": 0.5,
        "log_request_id": b"r2",
        "log_row": 2,
        "log_event_time": int((START + timedelta(hours=2)).timestamp() * 1e6),
        "log_endpoint": b"default",
        "log_model_version": b"default",
        "log_status": b"200",
        "log_latency_ms": pytest.approx(360),
    }
    assert [(row["log_request_id"], row["label"], row.get("tip")) for row in labelled] == [
        (b"r1", 1, 2.5),
        (b"r3", 0, None),
    ]
    assert labelled[0]["log_label_time"] == int((START + timedelta(hours=5)).timestamp() * 1e6)
    counts = report.counts
    assert (counts.records_read, counts.records_ok) == (11, 11)
    assert (counts.rows, counts.rows_written, counts.rows_outside_window) == (10, 6, 4)
    assert (counts.labels_read, counts.labels_joined, counts.labels_orphan) == (3, 2, 1)


def test_stock_tfdv_reads_both_splits(output):
    for split, rows in (("serving", 6), ("labelled", 2)):
        stats = tfdv.generate_statistics_from_tfrecord(f"{output}/Split-{split}/*")
        assert stats.datasets[0].num_examples == rows
        names = {feature.path.step[0] for feature in stats.datasets[0].features}
        assert names >= {"n", "email", "prediction", "log_latency_ms"}


def test_the_raw_data_is_readable_by_its_owner_alone(output):
    for folder in ("Split-serving", "Split-labelled", "dead_letter"):
        assert stat.S_IMODE((output / folder).stat().st_mode) == 0o700


def test_a_window_without_rows_still_has_both_splits(kserve_log, tmp_path):
    later = timedelta(days=30)
    report = run(kserve_log, START + later, END + later, str(tmp_path / "out"))
    assert report.counts.rows_written == 0
    for split in ("serving", "labelled"):
        assert read(tmp_path / "out", split) == []
        stats = tfdv.generate_statistics_from_tfrecord(f"{tmp_path}/out/Split-{split}/*")
        assert stats.datasets[0].num_examples == 0


def test_a_window_run_again_replaces_its_output(kserve_log, output, tmp_path):
    stale = tmp_path / "Split-serving" / "data_tfrecord-00001-of-00002.gz"
    stale.parent.mkdir()
    stale.touch()
    assert run(kserve_log, START, END, str(tmp_path)) == read_report(str(output), IngestReport)
    assert not stale.exists()
    assert read(tmp_path, "serving") == read(output, "serving")


def json_lines(tmp_path, lines, **config):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(x if type(x) is bytes else json.dumps(x).encode() for x in lines))
    return IngestConfig(format="json_lines", logs=str(path), **config)


def test_json_lines_are_read_by_their_field_names(tmp_path):
    config = json_lines(
        tmp_path,
        [
            {"rid": 7, "ts": START.timestamp(), "out": {"p": 0.5, "q": 1}, "v": 3, "age": 41},
            {"rid": 7, "ts": START.timestamp(), "out": None, "i": 1, "status": 500, "age": "old"},
            {"rid": 7, "ts": START.timestamp() + 1, "out": None, "i": 1},
            {"rid": 8, "ts": at(24), "latency_ms": 5, "sampling_weight": 10},
        ],
        fields={
            "request_id": "rid",
            "event_time": "ts",
            "prediction": "out",
            "row": "i",
            "model_version": "v",
        },
        prediction="p",
    )
    report = run(config, START, END, str(tmp_path / "out"))
    time = int(START.timestamp() * 1e6)
    common = {"log_request_id": b"7", "log_event_time": time}
    assert read(tmp_path / "out", "serving") == [
        {**common, "log_row": 0, "prediction": 0.5, "log_model_version": b"3", "age": b"41"},
        {**common, "log_row": 1, "log_status": b"500", "age": b"old"},
    ]
    assert (report.counts.rows_duplicate, report.counts.rows_outside_window) == (1, 1)
    assert report.statuses == {"500": 1}
    assert report.requests_per_minute == pytest.approx(1 / 1440)


def test_malformed_records_are_dead_letters_that_hold_their_bytes(tmp_path):
    good = [{"request_id": str(n), "event_time": at(n)} for n in range(3)]
    bad = [b"{", b"\xff\xfe", b'{"request_id": "x"}', b'{"request_id": "y", "event_time": NaN}']
    lines = [good[0], *bad[:2], good[1], *bad[2:], good[2]]
    truth = tmp_path / "truth.jsonl"
    truth.write_text('{"request_id": "0", "time": 0, "label": null}\n')
    config = json_lines(
        tmp_path,
        lines,
        max_dead_letter_share=1,
        ground_truth={"files": str(truth)},
        horizon_hours=1,
    )
    report = run(config, START, END, str(tmp_path / "out"))
    assert len(read(tmp_path / "out", "serving")) == 3
    letters = dead_letters(tmp_path / "out")
    log = (tmp_path / "log.jsonl").read_bytes()
    in_log = [letter for letter in letters if letter["file"] == config.logs[0]]
    assert sorted(base64.b64decode(letter["bytes"]) for letter in in_log) == sorted(bad)
    assert all(log.startswith(base64.b64decode(x["bytes"]), x["offset"]) for x in in_log)
    assert report.dead_letter_reasons == {
        "missing:event_time": 2,
        "missing:label": 1,
        "not_json": 2,
    }
    assert (report.counts.records_read, report.counts.records_dead_lettered) == (8, 5)
    assert [(f.records_read, f.records_dead_lettered) for f in report.files] == [(7, 4), (1, 1)]


def test_too_many_dead_letters_fail_the_job_after_they_were_written(tmp_path):
    lines = [{"request_id": "a", "event_time": at(1)}, b"{", b"{", b'{"request_id": "b"}']
    config = json_lines(tmp_path, lines, max_dead_letter_share=0.5)
    with pytest.raises(TooManyDeadLetters, match=r"3 of 4 .* not_json \(2\), missing:event_time"):
        run(config, START, END, str(tmp_path / "out"))
    assert len(dead_letters(tmp_path / "out")) == 3
    assert read_report(str(tmp_path / "out"), IngestReport).counts.records_dead_lettered == 3


def test_too_many_rejected_rows_fail_the_job(tmp_path):
    (tmp_path / "log.json").write_text(json.dumps([call(0, 1)[1]]))
    config = IngestConfig(format="kserve", logs=f"{tmp_path}/log.json")
    with pytest.raises(TooManyDeadLetters, match=r"1 of 1 rows .* response_without_request"):
        run(config, START, END, str(tmp_path / "out"))
    (letter,) = dead_letters(tmp_path / "out")
    assert (letter["file"], letter["offset"]) == (config.logs[0], 1)
    assert letter["reason"] == "response_without_request"
    assert json.loads(base64.b64decode(letter["bytes"])) == call(0, 1)[1]


def test_an_account_that_does_not_balance_is_an_error():
    config = IngestConfig(format="kserve", logs="x")
    totals = {("rows", 0): 2, ("rows_written", 0): 1}
    with pytest.raises(AccountError, match="rows=2 but rows_written=1"):
        make_report(totals, config, Window.of(config, START, END), ["log.json"])


def test_no_matching_log_is_an_error_that_names_the_globs(tmp_path):
    config = IngestConfig(format="kserve", logs=[f"{tmp_path}/{{YYYY}}-{{MM}}-{{DD}}/*"])
    with pytest.raises(NoLogs, match="2026-01-01"):
        run(config, START, END, str(tmp_path / "out"))


def test_the_fingerprint_follows_the_input_files(tmp_path):
    config = json_lines(tmp_path, [{}])
    before = fingerprint(config, START, END)
    assert fingerprint(config, START, END) == before
    json_lines(tmp_path, [{}, {}])
    assert fingerprint(config, START, END) != before


def test_the_command_line_runs_the_job(kserve_log, tmp_path, capsys):
    (tmp_path / "config.json").write_text(kserve_log.model_dump_json())
    ingest_logs.main(
        [
            f"--config={tmp_path}/config.json",
            "--window-start=2026-01-01T00:00:00Z",
            "--window-end=2026-01-02T00:00:00Z",
            f"--output={tmp_path}/out",
            f"--runner={IN_PROCESS}",
        ]
    )
    assert json.loads(capsys.readouterr().out)["rows_written"] == 6


def test_the_command_line_refuses_what_is_no_time(capsys):
    with pytest.raises(SystemExit):
        ingest_logs.main(["--config=x", "--output=x", "--window-start=today"])
    assert "today" in capsys.readouterr().err
