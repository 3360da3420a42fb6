from datetime import datetime, timedelta, timezone

import pytest
from tfx.types import standard_artifacts
from tfx_vigil.beam_jobs.ingest_logs import NoLogs
from tfx_vigil.components import WindowResolver
from tfx_vigil.components.history import History, SpanRecord
from tfx_vigil.components.spans import SpanConfig, Window, next_window
from tfx_vigil.components.window_resolver.executor import Executor

JANUARY = datetime(2026, 1, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)


def record(day, complete=True):
    window = Window(JANUARY + day * DAY, JANUARY + (day + 1) * DAY)
    return SpanRecord(
        span=window.span,
        window_start=window.start,
        window_end=window.end,
        revision="",
        complete=complete,
        action="none",
    )


@pytest.mark.parametrize(
    ("records", "now", "span"),
    [
        ([], JANUARY + DAY, "2026-01-01"),
        ([], JANUARY + DAY - timedelta(seconds=1), None),
        ([record(0), record(1)], JANUARY + 9 * DAY, "2026-01-03"),
        ([record(0), record(1)], JANUARY + 2.5 * DAY, None),
        ([record(0, complete=False), record(1)], JANUARY + 9 * DAY, "2026-01-01"),
    ],
)
def test_the_window_due_is_the_interrupted_one_or_the_one_after_the_last(records, now, span):
    window = next_window(records, SpanConfig(start="2026-01-01"), now)
    assert (window and window.span) == span


def resolve(folder, start="2026-01-01", **given):
    outputs = {key: standard_artifacts.String() for key in ("span", "start", "end", "fingerprint")}
    for key, artifact in outputs.items():
        artifact.uri = str(folder / key)
    ingest = {"format": "json_lines", "logs": f"{folder}/logs/*.jsonl"}
    node = WindowResolver(str(folder / "history"), {"start": start}, ingest, **given)
    Executor().Do({}, {key: [a] for key, a in outputs.items()}, node.exec_properties)
    due = outputs["span"].get_int_custom_property("due")
    return due, {key: a.read() for key, a in outputs.items()}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.jsonl").write_text("{}\n")
    return tmp_path


def test_a_new_history_begins_with_the_first_window(folder):
    due, values = resolve(folder)
    assert due == 1
    assert values["span"] == "2026-01-01"
    assert values["start"] == "2026-01-01T00:00:00+00:00"
    assert values["end"] == "2026-01-02T00:00:00+00:00"


def test_a_recorded_span_is_followed_by_the_next(folder):
    given = record(0).model_copy(update={"revision": ""})
    History(str(folder / "history")).write_span(given, lambda _: None)
    assert resolve(folder)[1]["span"] == "2026-01-02"


def test_a_window_that_has_not_ended_is_not_due_and_every_value_is_empty(folder):
    due, values = resolve(folder, start="2999-01-01")
    assert due == 0
    assert set(values.values()) == {""}


def test_a_given_window_is_taken_whatever_the_history_says(folder):
    due, values = resolve(folder, window_start="2025-03-01", window_end="2025-03-02T12:00:00Z")
    assert due == 1
    assert values["span"] == "2025-03-01"
    assert values["end"] == "2025-03-02T12:00:00+00:00"


def test_the_fingerprint_changes_with_the_windows_files(folder):
    before = resolve(folder)[1]["fingerprint"]
    assert resolve(folder)[1]["fingerprint"] == before
    (folder / "logs" / "b.jsonl").write_text("{}\n")
    assert resolve(folder)[1]["fingerprint"] != before


@pytest.mark.parametrize(
    "given",
    [
        {"window_start": "2026-01-01"},
        {"window_end": "2026-01-01"},
        {"window_start": "2026-01-02", "window_end": "2026-01-02"},
    ],
)
def test_half_a_window_or_an_empty_one_is_refused(folder, given):
    with pytest.raises(ValueError, match="window_start"):
        resolve(folder, **given)


def test_a_window_without_any_log_file_is_an_error(tmp_path):
    with pytest.raises(NoLogs):
        resolve(tmp_path)
