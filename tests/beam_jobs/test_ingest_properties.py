"""The stages in memory, without a runner: over many windows, and over damaged logs."""

import base64
import gzip
import json
import random
import tempfile
from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig

from .ingest_in_memory import ingest

T0 = datetime(2026, 1, 1, tzinfo=timezone.utc)


def hour(n):
    return T0 + timedelta(hours=n)


def write_lines(path, records):
    path.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in records))


times = st.integers(0, 12)
retry_minutes = st.integers(0, 5)
requests = st.dictionaries(st.sampled_from("ab"), st.tuples(times, retry_minutes), min_size=1)
labels = st.lists(
    st.tuples(st.sampled_from("abc"), times, st.integers(0, 1)),
    max_size=8,
    unique_by=lambda label: label[:2],
)


def expected_labels(requests, labels, windows, horizon):
    """(request, arrival, window, corrects) by a rule that goes from window to window."""
    used, in_force = [], {}
    for window in sorted(windows):
        for rid, (time, _) in requests.items():
            of_row = [
                (arrival, value)
                for r, arrival, value in labels
                if r == rid
                and abs(arrival - time) <= horizon
                and window[0] <= max(arrival, time) < window[1]
            ]
            if of_row:
                arrival, value = max(of_row)
                if in_force.get(rid) != value:
                    used.append((rid, arrival, window, rid in in_force))
                in_force[rid] = value
    return sorted(used)


@settings(max_examples=200, deadline=None)
@given(requests, labels, st.sets(times, max_size=4), st.integers(1, 4), st.randoms())
def test_over_consecutive_windows_each_label_is_used_once_and_only_for_what_is_new(
    requests, labels, cuts, horizon, shuffler
):
    """``requests``: id to hour and retry's delay in minutes."""
    calls = [(rid, t) for rid, (t, _) in requests.items()]
    calls += [(rid, t + retry / 60) for rid, (t, retry) in requests.items() if retry]
    shuffler.shuffle(calls)
    shuffler.shuffle(labels)
    windows = list(pairwise([-1, *sorted(cuts), 100]))
    used, served, outcomes = [], [], Counter()
    with tempfile.TemporaryDirectory() as folder:
        config = IngestConfig(
            format="json_lines",
            logs=f"{folder}/log",
            ground_truth={"files": f"{folder}/truth"},
            horizon_hours=horizon,
        )
        write_lines(
            Path(folder, "log"),
            [{"request_id": r, "event_time": hour(t).isoformat()} for r, t in calls],
        )
        write_lines(
            Path(folder, "truth"),
            [
                {"request_id": r, "time": hour(t).isoformat(), "label": value}
                for r, t, value in labels
            ],
        )
        for window in shuffler.sample(windows, len(windows)):
            report, serving, labelled, _ = ingest(config, *map(hour, window))
            outcomes.update(report.counts.model_dump())
            for row in labelled:
                arrival = round((row["log_label_time"] / 1e6 - T0.timestamp()) / 3600)
                corrects = row.get("log_label_corrects") == 1
                used.append((row["log_request_id"], arrival, window, corrects))
            served += [row["log_request_id"] for row in serving]
    expected = expected_labels(requests, labels, windows, horizon)
    assert sorted(served) == sorted(requests)
    assert sorted(used) == expected
    counted_again = sum(
        1
        for rid, arrival, _ in labels
        if rid in requests and abs(arrival - requests[rid][0]) <= horizon
        for start, _ in windows
        if arrival < start <= requests[rid][0]  # an orphan until its request came
    )
    kept = ("labels_joined", "labels_late", "labels_orphan", "labels_repeated")
    assert sum(outcomes[name] for name in kept) >= len(labels)
    assert outcomes["labels_joined"] == len(expected)
    assert sum(outcomes[name] for name in kept) <= len(labels) + counted_again


def label_outcomes(tmp_path, arrivals, event=10, horizon=5):
    """What becomes of labels in three windows; of a pair the second is what the label says."""
    labels = [x if isinstance(x, tuple) else (x, 1) for x in arrivals]
    config = IngestConfig(
        format="json_lines",
        logs=f"{tmp_path}/log",
        ground_truth={"files": f"{tmp_path}/truth"},
        horizon_hours=horizon,
    )
    write_lines(tmp_path / "log", [{"request_id": "r", "event_time": hour(event).isoformat()}])
    write_lines(
        tmp_path / "truth",
        [{"request_id": "r", "time": hour(t).isoformat(), "label": said} for t, said in labels],
    )
    outcomes = []
    for start in (0, 10, 20):
        report, _, labelled, _ = ingest(config, hour(start), hour(start + 10))
        counts = report.counts.model_dump()
        names = ("joined", "late", "orphan", "repeated", "corrected", "contradictory")
        outcomes.append({name: n for name in names if (n := counts[f"labels_{name}"])})
        assert counts["labels_read"] == len(arrivals)
        assert len(labelled) == counts["labels_joined"]
    return outcomes


@pytest.mark.parametrize(
    ("arrivals", "outcomes"),
    [
        ([12], [{}, {"joined": 1}, {}]),
        ([15], [{}, {"joined": 1}, {}]),
        ([16], [{}, {"late": 1}, {}]),
        ([26], [{}, {}, {"orphan": 1}]),
        ([7], [{"orphan": 1}, {"joined": 1}, {}]),
        ([4], [{"orphan": 1}, {}, {}]),
        ([12, 12, 13], [{}, {"joined": 1, "repeated": 2}, {}]),
        ([7, 14], [{"orphan": 1}, {"joined": 1, "repeated": 1}, {}]),
        ([12, 17], [{}, {"joined": 1, "late": 1}, {}]),
    ],
)
def test_labels_are_told_apart(tmp_path, arrivals, outcomes):
    assert label_outcomes(tmp_path, arrivals) == outcomes


@pytest.mark.parametrize(
    ("labels", "outcomes"),
    [
        ([(11, 0), (12, 1)], {"joined": 1, "repeated": 1, "corrected": 1}),
        ([(11, 0), (12, 1), (13, 0)], {"joined": 1, "repeated": 2, "corrected": 2}),
        ([(11, 0), (11, 1)], {"joined": 1, "repeated": 1, "contradictory": 1}),
        ([(11, 0), (11, 0)], {"joined": 1, "repeated": 1}),
    ],
)
def test_of_several_labels_of_a_window_one_is_used(tmp_path, labels, outcomes):
    _, found, _ = label_outcomes(tmp_path, labels)
    assert found == outcomes


def test_a_newer_label_of_a_later_window_labels_the_row_again_and_says_so(tmp_path):
    labels = [(12, 0), (22, 1), (23, 1)]
    outcomes = label_outcomes(tmp_path, labels, event=10, horizon=15)
    assert outcomes == [{}, {"joined": 1}, {"joined": 1, "repeated": 1, "corrected": 1}]


def test_a_repetition_in_a_later_window_gives_no_second_row(tmp_path):
    outcomes = label_outcomes(tmp_path, [13, 22], event=12, horizon=10)
    assert outcomes == [{}, {"joined": 1}, {"repeated": 1}]


def test_a_repetition_is_known_though_the_first_label_came_before_the_request(tmp_path):
    outcomes = label_outcomes(tmp_path, [9, 20], event=18, horizon=9)
    assert outcomes == [{"orphan": 1}, {"joined": 1}, {"repeated": 1}]


def kserve(side, rid, seconds, body):
    payload = base64.b64encode(json.dumps(body).encode()).decode()
    time = (hour(1) + timedelta(seconds=seconds)).isoformat()
    return {"reqType": side, "id": rid, "occurrenceTime": time, "bytes": payload}


def ingest_kserve(tmp_path, records, start=1, end=2):
    (tmp_path / "log.json").write_text(json.dumps(records))
    config = IngestConfig(format="kserve", logs=f"{tmp_path}/log.json")
    return ingest(config, hour(start), hour(end))


REQUEST = kserve("request", "a", 60, {"instances": [{"x": 1}, {"x": 2}]})
RESPONSE = kserve("response", "a", 60.25, {"predictions": [0.25, 0.5]})


def test_a_request_and_its_response_are_rows_with_latency_and_status(tmp_path):
    report, rows, *_ = ingest_kserve(tmp_path, [RESPONSE, REQUEST])
    assert [(row["x"], row["prediction"], row["log_row"]) for row in rows] == [
        (1.0, 0.25, 0),
        (2.0, 0.5, 1),
    ]
    assert {row["log_latency_ms"] for row in rows} == {250.0}
    assert report.statuses == {"200": 2}
    assert report.model_versions == {"default": 2}
    assert report.requests_per_minute == pytest.approx(1 / 60)
    assert report.latency_ms.p50 == pytest.approx(250, rel=0.01)


def test_a_request_without_a_response_is_served_with_its_status(tmp_path):
    report, rows, *_ = ingest_kserve(tmp_path, [REQUEST])
    assert report.statuses == {"no_response": 2}
    assert all("prediction" not in row and "log_latency_ms" not in row for row in rows)


@pytest.mark.parametrize(
    ("records", "rejected", "reason"),
    [
        ([RESPONSE], 1, "response_without_request"),
        ([REQUEST, kserve("response", "a", 61, {"predictions": [1]})], 2, "prediction_count"),
    ],
)
def test_a_call_that_does_not_fit_together_is_rejected(tmp_path, records, rejected, reason):
    report, rows, *_ = ingest_kserve(tmp_path, records)
    assert rows == []
    assert (report.counts.rows, report.counts.rows_rejected) == (rejected, rejected)
    assert report.dead_letter_reasons == {reason: len(records)}
    report, *_ = ingest_kserve(tmp_path, records, start=2, end=3)
    assert report.counts.rows_rejected == 0


def test_a_call_over_the_windows_edge_belongs_to_the_window_of_its_request(tmp_path):
    edge = [
        kserve("request", "a", 3599.9, {"instances": [{"x": 1}]}),
        kserve("response", "a", 3600.1, {"predictions": [1]}),
    ]
    report, rows, *_ = ingest_kserve(tmp_path, edge)
    assert (len(rows), report.statuses) == (1, {"200": 1})
    report, rows, *_ = ingest_kserve(tmp_path, edge, start=2, end=3)
    assert (rows, report.counts.rows_rejected, report.counts.rows_outside_window) == ([], 0, 1)


def test_the_first_of_duplicate_requests_and_responses_counts(tmp_path):
    again = kserve("request", "a", 65, {"instances": [{"x": 9}, {"x": 9}, {"x": 9}]})
    later = kserve("response", "a", 66, {"predictions": [1, 1, 1]})
    report, rows, *_ = ingest_kserve(tmp_path, [again, later, REQUEST, RESPONSE])
    assert [row["prediction"] for row in rows] == [0.25, 0.5]
    assert (report.counts.rows, report.counts.rows_duplicate) == (5, 3)


def test_rows_do_not_depend_on_order_or_files(tmp_path):
    records = []
    for n in range(40):
        rid, random_n = f"r{n % 30}", random.Random(n)
        body = {"instances": [{"x": random_n.random()}]}
        records.append(kserve("request", rid, n, body))
        records.append(kserve("response", rid, n + 0.5, {"predictions": [n]}))
    results = []
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        random.Random(seed).shuffle(records)
        step = 7 + 20 * seed
        for n in range(0, len(records), step):
            (folder / f"{n}.json").write_text(json.dumps(records[n : n + step]))
        config = IngestConfig(format="kserve", logs=f"{folder}/*")
        report, rows, *_ = ingest(config, hour(1), hour(2))
        results.append((report.counts, sorted(rows, key=str)))
    assert len(results[0][1]) == 30
    assert all(result == results[0] for result in results)


def json_line(n):
    rid = f"{random.Random(n).getrandbits(64):x}"
    time = (hour(1) + timedelta(seconds=n)).isoformat()
    return {"request_id": rid, "event_time": time, "prediction": 0.5, "x": n, "s": "naïve"}


GOOD = [json_line(n) for n in range(12)]
LOG = b"".join(json.dumps(record).encode() + b"\n" for record in GOOD)
KSERVE = json.dumps(
    [
        REQUEST,
        RESPONSE,
        *(kserve("request", f"k{n}", n, {"instances": [{"x": n}]}) for n in range(9)),
    ]
)


def damage(data, log):
    damaged, places = bytearray(log), []
    for place in data.draw(st.lists(st.integers(0, len(log) - 1), max_size=4)):
        damaged[place] = data.draw(st.integers(0, 255))
        places.append(place)
    cut = data.draw(st.integers(0, len(log)))
    return bytes(damaged[:cut]), [*places, cut]


@settings(max_examples=100, deadline=None)
@given(st.data(), st.booleans())
def test_damage_costs_only_the_lines_it_touches(data, packed):
    log, places = damage(data, gzip.compress(LOG) if packed else LOG)
    intact, end = [], 0
    for record in GOOD:
        start, end = end, end + len(json.dumps(record).encode()) + 1
        if all(not start - 1 <= place < end for place in places[:-1]) and end - 1 <= places[-1]:
            intact.append(record["request_id"])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "damaged").write_bytes(log)
        write_lines(Path(folder, "good"), [json_line(99)])
        config = IngestConfig(format="json_lines", logs=f"{folder}/*")
        report, rows, *_ = ingest(config, hour(1), hour(2))
    written = {row["log_request_id"] for row in rows}
    assert json_line(99)["request_id"] in written
    assert packed or written.issuperset(intact)
    assert sum(report.dead_letter_reasons.values()) == report.counts.records_dead_lettered


@settings(max_examples=100, deadline=None)
@given(st.data(), st.booleans())
def test_no_damage_of_a_kserve_log_breaks_the_account(data, packed):
    log, _ = damage(data, gzip.compress(KSERVE.encode()) if packed else KSERVE.encode())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "damaged.json").write_bytes(log)
        Path(folder, "good.json").write_text(
            json.dumps(kserve("request", "good", 5, {"instances": [{"x": 1}]}))
        )
        config = IngestConfig(format="kserve", logs=f"{folder}/*")
        _, rows, *_ = ingest(config, hour(1), hour(2))
    assert "good" in {row["log_request_id"] for row in rows}


HOSTILE = {
    "deep": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "invalid UTF-8": b'{"s": "\xff\xfe"}',
    "lone surrogate": b'{"s": "\\ud800", "x": NaN}',
    "huge integer": b'{"x": 1' + b"0" * 5000 + b"}",
    "infinity": b'{"x": Infinity}',
    "huge float": b'{"x": 1e999}',
    "not an object": b"[1, 2]",
    "cut": b'{"x": 1, "s": "',
    "two objects": b'{"x": 1} {"x": 2}',
}
USABLE = {
    "NaN": (b'{"x": NaN}', None),
    "large integer": (b'{"x": 123456789012345678901}', 123456789012345678901.0),
    "duplicate keys": (b'{"x": 1, "x": 2}', 2.0),
}


def as_record(name, body):
    """The members of ``body`` beside what a record of JSON Lines needs."""
    return json.dumps(json_line(0) | {"request_id": name}).encode()[:-1] + b", " + body[1:]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_a_dead_letter_and_costs_no_other(tmp_path, name):
    body = HOSTILE[name]
    bad = as_record(name, body) if body.startswith(b"{") else body
    lines = [json.dumps(GOOD[0]).encode(), bad, json.dumps(GOOD[1]).encode()]
    (tmp_path / "log").write_bytes(b"\n".join(lines) + b"\n")
    config = IngestConfig(format="json_lines", logs=f"{tmp_path}/log", features={"x": "float"})
    report, rows, _, letters = ingest(config, hour(1), hour(2))
    assert sorted(row["log_request_id"] for row in rows) == sorted(
        record["request_id"] for record in GOOD[:2]
    )
    assert report.counts.records_dead_lettered == 1
    assert base64.b64decode(letters[0]["bytes"]) == bad


@pytest.mark.parametrize("name", USABLE)
def test_an_odd_record_is_read(tmp_path, name):
    body, x = USABLE[name]
    (tmp_path / "log").write_bytes(as_record(name, body) + b"\n")
    config = IngestConfig(format="json_lines", logs=f"{tmp_path}/log")
    (row,) = ingest(config, hour(1), hour(2)).serving
    assert row.get("x") == (x if x is None else pytest.approx(x))


def test_a_line_of_100_megabytes_is_read_and_one_of_200_costs_only_itself(tmp_path):
    with (tmp_path / "log").open("wb") as log:
        for record, size in zip(GOOD[:3], (100, 200, 0), strict=True):
            log.write(json.dumps(record | {"s": "x" * (size << 20)}).encode() + b"\n")
    config = IngestConfig(format="json_lines", logs=f"{tmp_path}/log")
    report, rows, _, _ = ingest(config, hour(1), hour(2))
    assert [len(row["s"]) for row in rows] == [100 << 20, 0]
    assert report.dead_letter_reasons == {"too_long": 1}
