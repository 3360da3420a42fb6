"""Nothing of what is planted in logs, labels and broken records is found after a run, however it
ends."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest
from tfx.orchestration.portable import python_executor_operator
from tfx_vigil.beam_jobs.reports import IngestReport, PrivacyReport
from tfx_vigil.components.history import History
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.run import RunFailed, run_span

from .canaries import KINDS, at, leaks, plant
from .demo_folder import FIRST, before_the_first_span

pytestmark = pytest.mark.e2e

WRITTEN = ("pipeline", "history", "serving", "temp")
CLI = Path(sys.executable).with_name("tfx-vigil")


@pytest.fixture
def planted(demo, tmp_path, monkeypatch):
    """A demo's folder before its first span, with canaries; temporary files go below it too."""
    folder = before_the_first_span(demo[0], tmp_path / "planted")
    plant(folder, FIRST)
    (folder / "temp").mkdir()
    monkeypatch.setenv("TMPDIR", str(folder / "temp"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def left(folder: Path) -> set[tuple[str, str]]:
    return set().union(*(leaks(folder / place) for place in WRITTEN))


def test_the_search_finds_canaries_where_they_are(planted):
    found = {name for name, _ in leaks(planted / "logs") | leaks(planted / "truth")}
    assert {"no_json", "truth_id", "request_id", "email", "bad_truth"} <= found
    assert any(name.startswith("rider_email, base64") for name in found)
    assert leaks(f"mail {at('note')}".encode()) == {("note", "")}


def without_retraining(vigil_yaml: Path) -> None:
    text = vigil_yaml.read_text()
    assert "min_labelled_rows: 1000" in text
    vigil_yaml.write_text(text.replace("min_labelled_rows: 1000", "min_labelled_rows: 1000000"))


def test_a_whole_run_leaves_no_canary_anywhere(planted):
    without_retraining(planted / "vigil.yaml")
    config = ["--config", str(planted / "vigil.yaml")]
    spoken = b""
    for command in (
        ["-v", "run", *config, "--span", FIRST],
        ["report", *config, "-o", str(planted / "temp" / "report.html")],
    ):
        result = subprocess.run([CLI, *command], cwd=planted, capture_output=True, check=False)
        assert result.returncode == 0, result.stderr[-3000:].decode()
        spoken += result.stdout + result.stderr
    assert leaks(spoken) == set()
    assert left(planted) == set()

    history = History(str(planted / "history"))
    record = history.record(FIRST)
    counts = history.report(record, "ingest", IngestReport).counts
    assert counts.records_dead_lettered >= 5
    findings = history.report(record, "privacy", PrivacyReport).findings
    assert {"EMAIL", "PHONE", "IP", "CARD", "IBAN", "MAC"} <= {f.kind for f in findings}
    assert len(KINDS) >= len({f.kind for f in findings})


RUN_AND_DIE = """
import os, signal, sys, threading
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.run import run_span
config = load_config(sys.argv[1])
die = lambda: os.kill(os.getpid(), signal.SIGKILL)
def progress(text):
    if text.endswith(": " + sys.argv[2]):
        threading.Timer(float(sys.argv[3]), die).start()
run_span(config, config.spans.window_of(sys.argv[4]), progress=progress)
"""


@pytest.mark.parametrize(
    ("node", "seconds"),
    [("LogIngest", 1.5), ("PIIPseudonymizer", 0), ("PIIPseudonymizer", 0.7), ("DriftValidator", 0)],
)
def test_a_run_killed_at_a_node_leaves_no_canary(planted, node, seconds):
    command = [sys.executable, "-c", RUN_AND_DIE, str(planted / "vigil.yaml"), node, str(seconds)]
    result = subprocess.run([*command, FIRST], capture_output=True, check=False)
    assert result.returncode == -signal.SIGKILL
    raw = planted / "pipeline" / "LogIngest"
    until = time.monotonic() + 20
    while raw.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert left(planted) == set()
    assert leaks(result.stdout + result.stderr) == set()


def test_at_no_node_is_a_canary_elsewhere_than_in_the_raw_data(planted):
    config = load_config(planted / "vigil.yaml")
    raw, found, nodes = config.raw_data_root, set(), []

    def look(text):
        nodes.append(text.rpartition(": ")[2])
        found.update(leak for leak in left(planted) if not leak[1].startswith(raw + os.sep))

    run_span(config, config.spans.window_of(FIRST), progress=look)
    assert found == set()
    assert {"PIIPseudonymizer", "SpanRecorder", "FromScratchTrainer", "PushRecorder"} <= {*nodes}


NODES = (
    "BaselineResolver",
    "LogIngest",
    "PIIPseudonymizer",
    "DriftValidator",
    "SlicedEvaluator",
    "RetrainGate",
    "SpanRecorder",
)


def test_an_error_at_any_node_shows_and_leaves_no_canary(planted, monkeypatch, capfd):
    config = load_config(planted / "vigil.yaml")
    stop = {}
    run_node = python_executor_operator.run_with_executor

    def fail_after(execution_info, executor):
        output = run_node(execution_info, executor)
        if execution_info.pipeline_node.node_info.id == stop["node"]:
            raise RuntimeError("a planned failure")
        return output

    monkeypatch.setattr(python_executor_operator, "run_with_executor", fail_after)
    for node in NODES:
        stop["node"] = node
        with pytest.raises(RunFailed, match=f"{node} failed: a planned failure") as error:
            run_span(config, config.spans.window_of(FIRST))
        shown = "".join(traceback.format_exception(error.value)).encode()
        assert leaks(shown) == set()
        assert left(planted) == set(), node
    output = capfd.readouterr()
    assert leaks((output.out + output.err).encode()) == set()
