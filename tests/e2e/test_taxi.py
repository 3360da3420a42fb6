"""The main job on real taxi trips: two spans, one that retrains and one that does not."""

import glob
import gzip
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tfx_vigil.beam_jobs.reports import DriftReport, IngestReport, PrivacyReport, SliceReport
from tfx_vigil.components.history import History
from tfx_vigil.components.retrain_gate.decision import RetrainDecision, TrainingPlan
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.run import RunFailed, run_span

from .demo_folder import FIRST, SECOND, before_the_first_span

pytestmark = pytest.mark.e2e

IDENTIFIERS = re.compile(
    rb"rider\d{4}@example\.org"
    rb"|\+1 2\d\d-555-01\d\d"
    rb"|\b(?:192\.0\.2|198\.51\.100|203\.0\.113)\.(?!0/24)\d{1,3}\b"
)


@pytest.fixture(scope="session")
def history(demo):
    return History(str(demo[0] / "history"))


def report(history, span, name, kind):
    return history.report(history.record(span), name, kind)


def rule(decision, name):
    return next(r for r in decision.rules if r.rule == name)


def test_the_first_span_retrains_because_the_metric_dropped(demo, history):
    decision = report(history, FIRST, "decision", RetrainDecision)
    assert (decision.action, decision.retrain) == ("retrain", True)
    dropped = rule(decision, "metric_drop")
    assert dropped.outcome
    assert dropped.inputs["lower"] > dropped.inputs["reference"] + 0.02
    assert all(r.outcome for r in decision.rules if r.kind == "guard")
    assert dropped.reason in demo[1][FIRST].reasons


def test_the_better_candidate_is_pushed_for_the_right_reasons(history):
    record = history.record(FIRST)
    push = report(history, FIRST, "push", RetrainDecision)
    plan = report(history, FIRST, "plan", TrainingPlan)
    assert plan.spans == ["baseline", FIRST] == record.push.trained_on
    assert (push.action, push.chosen) == ("push", record.push.candidate)
    candidate = report(history, FIRST, push.chosen, SliceReport)
    change = next(
        c for c in candidate.changes if (c.slice, c.metric) == ("overall", candidate.primary_metric)
    )
    assert change.upper < 0
    assert candidate.rows == change.n > 500


def test_the_second_span_keeps_the_model(history):
    decision = report(history, SECOND, "decision", RetrainDecision)
    assert not decision.retrain
    assert decision.action == "watch"
    assert [r.rule for r in decision.rules if r.kind == "trigger" and r.outcome] == ["drift_seen"]
    assert history.record(SECOND).push is None


def test_the_pushed_model_predicts_and_serves_the_next_span(demo, history):
    model = history.model_in_service()
    assert Path(model.model).parent == demo[0] / "serving"
    signature = tf.saved_model.load(model.model).signatures["serving_default"]
    files = glob.glob(history.labelled_path(SECOND) + "/*")
    served = {}
    for row in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
        logged = tf.train.Example.FromString(row).features.feature
        answered = logged["prediction"].float_list.value
        if answered and logged["log_model_version"].bytes_list.value[0] == FIRST.encode():
            served[row] = answered[0]
    assert len(served) > 2000
    scores = signature(examples=tf.constant(list(served)))["score"].numpy()[:, 0]
    # float32 in batches of another size: the last rows of a batch are not computed in lanes
    assert scores == pytest.approx(list(served.values()), abs=1e-4)


def test_every_record_is_accounted_for(history):
    for span in (FIRST, SECOND):
        counts = report(history, span, "ingest", IngestReport).counts
        assert counts.records_dead_lettered >= 5
        assert counts.rows_duplicate > 0
        assert counts.labels_joined > 2000
        slices = report(history, span, "slices", SliceReport)
        privacy = report(history, span, "privacy", PrivacyReport)
        assert slices.rows + sum(slices.dropped.values()) == counts.labels_joined
        assert privacy.rows_read == privacy.rows_written
        assert privacy.rows_read == counts.rows_written + counts.labels_joined


def test_real_drift_is_found_and_its_numbers_are_given(history):
    drift = report(history, SECOND, "drift", DriftReport)
    assert "payment_type" in drift.drifted_features
    found = [c for c in drift.comparisons if c.verdict == "drift"]
    assert all(c.value > c.threshold and c.threshold_origin for c in found)
    against = {c.against for c in drift.comparisons if c.distance != "change_point"}
    assert against == {"training", "previous"}


def test_standard_readers_take_what_the_pipeline_leaves(demo):
    import tensorflow_data_validation as tfdv
    import tensorflow_model_analysis as tfma

    pipeline = demo[0] / "pipeline"
    for statistics in pipeline.glob(
        "DriftValidator/span_statistics/*/Split-serving/FeatureStats.pb"
    ):
        assert tfdv.load_stats_binary(str(statistics)).datasets[0].num_examples > 2000
    for anomalies in pipeline.glob("DriftValidator/anomalies/*/Split-serving/SchemaDiff.pb"):
        assert tfdv.utils.anomalies_util.load_anomalies_binary(str(anomalies)).anomaly_info
    evaluations = sorted(pipeline.glob("SlicedEvaluator/evaluation/*"))
    assert len(evaluations) == 2
    for evaluation in evaluations:
        metrics = tfma.load_eval_result(str(evaluation)).get_metrics_for_all_slices()
        assert ("payment_type", "Cash") in {pair for key in metrics for pair in key}


def leaks(root):
    """Files below ``root`` that hold a raw identifier, as they are or unzipped."""
    for path in Path(root).rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content += gzip.decompress(content)
        if IDENTIFIERS.search(content):
            yield str(path)


def test_the_search_for_identifiers_finds_them_where_they_are(demo):
    log = next((demo[0] / "logs").rglob("*.json")).read_text()
    import base64

    bodies = b"".join(base64.b64decode(r["bytes"] + "==") for r in json.loads(log)[:4])
    assert len(set(IDENTIFIERS.findall(bodies))) >= 3


def test_no_raw_identifier_is_left_anywhere(demo):
    out = demo[0]
    assert (out / "pipeline" / "metadata.sqlite").stat().st_size > 0
    for place in ("pipeline", "history", "serving", "data", "temp"):
        assert list(leaks(out / place)) == []
    assert not IDENTIFIERS.search((out / "report.html").read_bytes())
    assert not IDENTIFIERS.search((out / "decisions.json").read_bytes())
    assert not (out / "pipeline" / "LogIngest").exists()


def test_decisions_json_has_one_record_a_span(demo):
    records = json.loads((demo[0] / "decisions.json").read_text())
    assert [r["span"] for r in records] == [FIRST, SECOND]
    assert [r["action"] for r in records] == ["push", "watch"]
    assert records[1]["metric_in_service"] < records[1]["metric_first_model"]
    assert {"rows", "drifted_features", "reasons"} <= set(records[0])


RUN_AND_DIE = """
import os, signal, sys
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.run import run_span
config = load_config(sys.argv[1])
def progress(text):
    if text.endswith(": " + sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
run_span(config, config.spans.window_of(sys.argv[3]), progress=progress)
"""


MEASURED = re.compile("latency|size")


def comparable(root, span):
    """A span's documents, without what differs between folders and moments of the run.

    The ingest report names files, so its fingerprint depends on the folder; the report itself is
    among the documents. How fast models served is another each time, and how many bytes a
    SavedModel takes differs by a few.
    """
    history = History(str(root / "history"))
    record = history.record(span)
    texts = {p.name: p.read_text() for p in Path(history.path(record)).glob("*.json")}
    texts.pop("serving.json")
    push = history.report(record, "push", RetrainDecision)
    texts["push.json"] = push.model_copy(
        update={
            "reasons": [text for text in push.reasons if not MEASURED.search(text)],
            "rules": [rule for rule in push.rules if not MEASURED.search(rule.rule)],
            "evidence": {k: digest for k, digest in push.evidence.items() if k != "serving"},
        }
    ).model_dump_json()
    texts["record"] = record.model_copy(update={"revision": "", "examples": None}).model_dump_json(
        indent=1
    )
    ingest = history.report(record, "decision", RetrainDecision).evidence["ingest"]
    texts = {name: text.replace(ingest, "").replace(str(root), "") for name, text in texts.items()}
    return {name: re.sub(r"serving/\d+", "serving/N", text) for name, text in texts.items()}


def test_a_run_killed_at_any_node_and_run_again_ends_in_the_same_history(demo, tmp_path):
    out = demo[0]
    again = before_the_first_span(out, tmp_path / "again")
    for node in ("PIIPseudonymizer", "FineTunedTrainer", "PushRecorder", "nowhere"):
        command = [sys.executable, "-c", RUN_AND_DIE, str(again / "vigil.yaml"), node, FIRST]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        expected = 0 if node == "nowhere" else -signal.SIGKILL
        assert result.returncode == expected, result.stderr[-3000:]
    assert comparable(again, FIRST) == comparable(out, FIRST)
    (pushed,) = (again / "serving").iterdir()
    assert History(str(again / "history")).record(FIRST).push.model == str(pushed)
    assert not list((again / "history").rglob("staging-*"))
    assert list(leaks(again / "pipeline")) == list(leaks(again / "history")) == []


def test_a_failed_node_is_named_and_leaves_no_raw_data(demo, tmp_path):
    folder = before_the_first_span(demo[0], tmp_path / "failed")
    (folder / "keys" / "keyset.json").chmod(0o644)
    config = load_config(folder / "vigil.yaml")
    with pytest.raises(RunFailed, match=r"PIIPseudonymizer failed: .*keyset") as error:
        run_span(config, config.spans.window_of(FIRST))
    assert not IDENTIFIERS.search(str(error.value).encode())
    assert list(leaks(folder / "pipeline")) == []
    assert History(config.runtime.history_root).all_records() == []
