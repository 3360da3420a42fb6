"""A run that is killed and made again pushes once and leaves one record."""

import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tfx_vigil.components.history import BaselineRecord, History, ModelInService, SpanRecord
from tfx_vigil.pipelines import demo
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.lock import Busy, exclusive
from tfx_vigil.pipelines.run import run_span
from tfx_vigil.pipelines.unfinished_push import withdraw_unfinished

ROOT = Path(__file__).parents[2]
SPAN = "2026-01-01"


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Folders of runs that were killed at each file operation and made again."""
    folder = tmp_path_factory.mktemp("killed")
    command = [sys.executable, "-m", "tests.pipelines.killed_runs", str(folder)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    outcomes = [line.split() for line in ended.stdout.splitlines()]
    assert len(outcomes) > 30
    assert {outcome[1] for outcome in outcomes[:-1]} == {"-9"}
    assert {outcome[2] for outcome in outcomes} == {"0"}, ended.stderr[-3000:]
    return [folder / outcome[0] for outcome in outcomes]


def test_a_run_killed_at_any_file_operation_and_made_again_pushes_once(killed):
    for folder in killed:
        (version,) = os.listdir(folder / "serving")
        served = {p.name for p in (folder / "serving" / version).iterdir()}
        assert served == {"saved_model.pb", "variables"}, folder


def test_it_leaves_one_record_of_that_push(killed):
    for folder in killed:
        history = History(str(folder / "history"))
        (record,) = history.all_records()
        (version,) = (folder / "serving").iterdir()
        assert record.complete
        assert record.push.model == str(version)
        pointer = (folder / "history" / "model_in_service.json").read_text()
        assert ModelInService.model_validate_json(pointer) == history.model_in_service()
        history.sweep()
        names = {p.name for p in (folder / "history").rglob("*")}
        assert not [n for n in names if n.startswith("staging-") or n.endswith(".partial")], folder
        files = sorted(os.listdir(folder / "history" / "spans" / SPAN / record.revision))
        assert files == sorted(
            os.listdir(killed[-1] / "history" / "spans" / SPAN / record.revision)
        )


def begun(folder, complete):
    history = History(str(folder / "history"))
    history.write_baseline(BaselineRecord(model="/serving/1", rows=9))
    start, end = (datetime(2026, 1, day, tzinfo=timezone.utc) for day in (1, 2))
    record = SpanRecord(
        span=SPAN, window_start=start, window_end=end, revision="", complete=complete, action="none"
    )
    history.write_span(record, lambda place: Path(place, "a").write_text("a"))
    return history


@pytest.mark.parametrize(
    ("complete", "version", "is_kept"),
    [
        (False, "1", True),
        (False, "1600000000", True),
        (False, "99999999999", False),
        (False, "not-a-version", True),
        (True, "99999999999", True),
    ],
)
def test_only_what_an_interrupted_span_has_pushed_is_withdrawn(
    tmp_path, complete, version, is_kept
):
    history = begun(tmp_path, complete)
    (tmp_path / "serving" / version).mkdir(parents=True)
    withdraw_unfinished(history, str(tmp_path / "serving"))
    assert os.listdir(tmp_path / "serving") == [version] * is_kept


def test_of_two_runs_that_are_started_together_one_stops_and_says_why(tmp_path):
    config = load_config(Path(demo.__file__).with_name("vigil.yaml"), tmp_path)
    running = exclusive(config)
    with running, pytest.raises(Busy, match=r"another run is writing to .*: wait for it to end"):
        run_span(config, config.spans.window(0))
    assert os.listdir(tmp_path / "history") == [".lock"]
