"""What the report page says of a span's IngestReport."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from tfx_vigil.beam_jobs.reports import RedFlag
from tfx_vigil.components.history import History
from tfx_vigil.pipelines.report import gather, text

from .report_page import Page, write
from .synthetic_history import SPANS, build_history


@pytest.fixture(scope="module")
def taxi(tmp_path_factory) -> Page:
    folder = tmp_path_factory.mktemp("taxi")
    _, page = write(build_history(folder / "history"), folder)
    return page


def change_ingest(root: str, span: str, change: Callable[[dict], None]) -> None:
    history = History(root)
    path = Path(history.path(history.record(span), "ingest.json"))
    report = json.loads(path.read_text())
    change(report)
    path.write_text(json.dumps(report))


def test_red_flags_head_the_page_and_the_traffic_and_the_newest_come_first(taxi):
    assert "1 red flag in the log of span 2014-06: odd times" in taxi.text
    assert (
        "Traffic 1 red flag in span 2014-06 odd times gs://taxi/logs/2014-06/server-a.jsonl.gz "
        "Time jumps back in 1 of 3 files" in taxi.text
    )
    assert (
        "1 red flag in span 2014-05 new model version 2 It got 18,810 requests (90.0%), of which "
        "259 failed, and none in 4 earlier windows. If nobody rolled it out on purpose" in taxi.text
    )
    assert taxi.text.index("in span 2014-05 new") < taxi.text.index("in span 2014-04 feature")
    assert "in span 2014-03 " not in taxi.text
    kinds = get_args(RedFlag.model_fields["kind"].annotation)
    assert set(kinds) == set(text.FLAGS)


def test_span_with_several_model_versions_shows_the_traffic_of_each(taxi):
    assert (
        "2014-05 kserve 20,910 0.47 15.2 32.8 97.0 6.50 71.2 "
        "200: 98.6 %, 429: 1.05 %, 503: 0.335 % 2 versions "
        "version 2 18,810 0.42 15.2 32.8 97.0 200: 98.6 %, 429: 1.05 %, 503: 0.33 % 90 % of rows "
        "version 1 2,100 0.05 14.2 30.8 88.0 200: 98.6 %, 429: 1.05 %, 503: 0.333 % 10 % of rows "
        "2014-04 kserve" in taxi.text
    )


def test_only_files_with_dead_letters_or_odd_times_are_listed(taxi):
    assert (
        "Times 2014-06 gs://taxi/logs/2014-06/server-a.jsonl.gz 20,741 0 0 5 records stamped up to "
        "12 min after it was written; 1 jump back in time, by up to 60 min "
        "2014-06 gs://taxi/logs/2014-06/server-b.jsonl.gz 959 59 7 2014-05" in taxi.text
    )
    assert "gs://taxi/logs/2014-05/server-a.jsonl.gz" not in taxi.text
    assert "labels.csv" not in taxi.text


def test_many_files_and_versions_are_counted_and_the_worst_shown(tmp_path):
    def crowd(report: dict) -> None:
        version = report["traffic"][0]
        report["files"] += [
            {"file": f"{n}.jsonl", "records_read": 1, "records_dead_lettered": 1}
            for n in range(1000)
        ]
        report["traffic"] = [
            {**version, "model_version": f"v{n}", "requests": n} for n in range(300)
        ]
        report["model_versions"] = {f"v{n}": 1 for n in range(300)}

    root = build_history(tmp_path / "history", spans=SPANS[:1])
    change_ingest(root, SPANS[0], crowd)
    _, page = write(root, tmp_path)
    assert "Times 2014-01 gs://taxi/logs/2014-01/server-b.jsonl.gz 914 14 7" in page.text
    assert page.text.count(".jsonl 1 1 0") == gather.MOST_FILES - 1
    assert "and 981 further files" in page.text
    assert "version v279 " not in page.text
    assert "and 280 further versions" in page.text
    assert "300 versions version v299" in page.text


def test_ingest_reports_of_before_flags_and_versions_are_shown_without_them(tmp_path):
    def age(report: dict) -> None:
        for field in ("unfinished_records", "traffic", "rows_by_quarter", "feature_rows"):
            del report[field]
        del report["clocks"], report["red_flags"]
        del report["counts"]["labels_corrected"], report["counts"]["labels_contradictory"]
        fields = ("file", "records_read", "records_dead_lettered")
        report["files"] = [
            {field: file.get(field, 0) for field in fields} for file in report["files"]
        ]

    root = build_history(tmp_path / "history")
    for span in SPANS:
        change_ingest(root, span, age)
    _, page = write(root, tmp_path)
    assert "red flag" not in page.text
    assert "Not read" not in page.text
    assert "version 1 " not in page.text
    assert "2014-01 18,200 18,186 14 18,210 18,150 41 12 7 6,150 6,000 90 35 20 5 0 0" in page.text
    assert "Times 2014-06 gs://taxi/logs/2014-06/server-b.jsonl.gz 959 59 0" in page.text


def test_rare_shares_are_put_together():
    few, many = dict.fromkeys("abcdefgh", 1), dict.fromkeys("abcdefghij", 1)
    assert text.shares(few).split(", ")[-1].split() == ["h:", "12.5", "%"]
    assert text.shares(many).split(", ")[-1].split() == ["2", "others:", "20", "%"]
