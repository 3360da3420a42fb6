"""SpanRecorder and PushRecorder on the artifacts that their neighbours leave."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest
import tensorflow_data_validation as tfdv
from tfx.types import channel_utils, standard_artifacts
from tfx_vigil.beam_jobs.reports import SliceReport
from tfx_vigil.components import PushRecorder, SpanRecorder, artifacts
from tfx_vigil.components.history import BaselineRecord, History, HistoryError
from tfx_vigil.components.retrain_gate.decision import RetrainDecision

from .evidence import candidate, drift, ingest, privacy, slices
from .recorded_spans import (
    decision,
    plan,
    record,
    record_push,
    record_span,
    rows,
    span_inputs,
    write_examples,
)

SPAN = "2014-01-01"
OF_A_SPAN = {
    *(f"{name}.json" for name in ("ingest", "privacy", "drift", "slices", "decision", "plan")),
    "statistics/Split-serving/FeatureStats.pb",
    "statistics/Split-labelled/FeatureStats.pb",
    "labelled/data_tfrecord-00000-of-00001.gz",
}
OF_A_RETRAINING = {
    *(f"{name}.json" for name in ("push", "fine_tuned", "from_scratch", "previous", "serving")),
    "training_statistics/Split-train/FeatureStats.pb",
}


@pytest.fixture
def history(tmp_path):
    return History(str(tmp_path / "history"))


def files(history, span=SPAN):
    root = Path(history.path(history.record(span)))
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def tree(root):
    return {path: path.read_bytes() for path in Path(root).rglob("*") if path.is_file()}


def pointer(history):
    return json.loads(Path(history.root, "model_in_service.json").read_text())


def test_a_span_is_recorded_with_all_that_later_spans_need(tmp_path, history):
    record_span(history.root, tmp_path, SPAN, action="watch")
    recorded = history.record(SPAN)
    assert (recorded.complete, recorded.action, recorded.push) == (True, "watch", None)
    assert recorded.window_start == datetime(2014, 1, 1, tzinfo=timezone.utc)
    assert recorded.window_end == datetime(2014, 1, 1, 12, tzinfo=timezone.utc)
    assert files(history) == OF_A_SPAN
    written = {
        "ingest": ingest(),
        "privacy": privacy(),
        "drift": drift("act"),
        "slices": slices(0.55, rows=10),
        "decision": decision(SPAN, "watch"),
        "plan": plan(SPAN, "baseline"),
    }
    assert {
        name: history.report(recorded, name, type(report)) for name, report in written.items()
    } == written
    path = history.path(recorded, "statistics", "Split-serving", "FeatureStats.pb")
    assert tfdv.load_stats_binary(path).datasets[0].num_examples == 20


def test_a_span_that_asks_for_retraining_is_not_complete_yet(tmp_path, history):
    record_span(history.root, tmp_path, SPAN, action="retrain")
    assert not history.record(SPAN).complete
    assert history.spans() == []


def test_the_pusher_s_model_is_put_in_service(tmp_path, history):
    record_span(history.root, tmp_path / "span", SPAN, action="retrain")
    record_push(history.root, tmp_path / "push", SPAN, model="weights of 2014")
    recorded = history.record(SPAN)
    assert (recorded.complete, recorded.action) == (True, "push")
    assert files(history) == OF_A_SPAN | OF_A_RETRAINING
    (version,) = (tmp_path / "push" / "serving").iterdir()
    assert recorded.push.model == str(version)
    assert (recorded.push.candidate, recorded.push.trained_on) == ("fine_tuned", ["baseline", SPAN])
    assert pointer(history) == {
        "model": str(version),
        "span": SPAN,
        "trained_on": ["baseline", SPAN],
    }
    assert history.report(recorded, "push", RetrainDecision) == decision(SPAN, "push", "fine_tuned")
    assert history.report(recorded, "fine_tuned", SliceReport) == candidate(0.5)
    assert history.report(recorded, "from_scratch", SliceReport) == candidate(0.6)
    assert history.report(recorded, "decision", RetrainDecision) == decision(SPAN, "retrain")


def test_without_a_push_the_span_is_complete_and_the_model_stays(tmp_path, history):
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    before = pointer(history)
    record_span(history.root, tmp_path / "span", SPAN, action="retrain")
    record_push(history.root, tmp_path / "push", SPAN, model=None)
    recorded = history.record(SPAN)
    assert (recorded.complete, recorded.action, recorded.push) == (True, "hold", None)
    assert files(history) == OF_A_SPAN | OF_A_RETRAINING
    assert (
        pointer(history)
        == before
        == {
            "model": "/first",
            "span": "baseline",
            "trained_on": ["baseline"],
        }
    )


def test_recording_the_same_artifacts_again_changes_no_byte(tmp_path, history):
    inputs = span_inputs(tmp_path, SPAN)
    record(history.root, SPAN, inputs)
    before = tree(history.root)
    record(history.root, SPAN, inputs)
    assert tree(history.root) == before


def test_a_retraining_of_a_span_that_was_never_recorded_is_refused(tmp_path, history):
    with pytest.raises(HistoryError, match=f"no span '{SPAN}'"):
        record_push(history.root, tmp_path, SPAN, model="weights")


def test_the_components_take_the_artifacts_of_their_neighbours():
    def channel(kind):
        return channel_utils.as_channel([kind()])

    reports = {
        name: channel(getattr(artifacts, kind))
        for name, kind in (
            ("ingest", "IngestReport"),
            ("privacy", "PrivacyReport"),
            ("drift", "DriftReport"),
            ("slices", "SliceReport"),
            ("decision", "RetrainDecision"),
            ("plan", "TrainingPlan"),
        )
    }
    statistics = channel(standard_artifacts.ExampleStatistics)
    given = {
        "history_root": "/history",
        "span": SPAN,
        "window_start": f"{SPAN}T00:00:00Z",
        "window_end": f"{SPAN}T12:00:00Z",
        "examples": channel(standard_artifacts.Examples),
        "statistics": statistics,
        **reports,
    }
    span = SpanRecorder(**given)
    assert set(span.inputs) == {"examples", "statistics", *reports}
    assert span.exec_properties["history_root"] == "/history"
    push = PushRecorder(
        history_root="/history",
        span=SPAN,
        decision=reports["decision"],
        plan=reports["plan"],
        training_statistics=statistics,
        fine_tuned=reports["slices"],
        from_scratch=reports["slices"],
        previous=reports["slices"],
        serving=channel(artifacts.ServingReport),
        pushed_model=channel(standard_artifacts.PushedModel),
    )
    assert push.exec_properties == {"history_root": "/history", "span": SPAN}
    assert span.outputs == push.outputs == {}
    with pytest.raises(TypeError, match="drift"):
        SpanRecorder(**{**given, "drift": reports["slices"]})


def test_labelled_rows_that_are_restricted_are_recorded_beside_the_others(tmp_path, history):
    inputs = span_inputs(tmp_path, SPAN)
    for split in ("serving", "labelled"):
        write_examples(tmp_path / "examples" / "Split-restricted" / split, rows(100, 3))
        (path,) = Path(tmp_path, "examples", "Split-restricted", split).iterdir()
        path.rename(path.parents[1] / f"{split}.{path.name}")
        path.parent.rmdir()
    record(history.root, SPAN, inputs)
    aside = "restricted/labelled.data_tfrecord-00000-of-00001.gz"
    assert files(history) == OF_A_SPAN | {aside}
    source = tmp_path / "examples" / "Split-restricted" / Path(aside).name
    assert Path(history.path(history.record(SPAN), aside)).read_bytes() == source.read_bytes()
