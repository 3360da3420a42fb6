"""``tfx-vigil roll-back``: the model before serves again."""

import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs.domain_keys import DomainKeys
from tfx_vigil.beam_jobs.subjects.receipts import AffectedModel, Receipt, Receipts, signing_key
from tfx_vigil.components.history import BaselineRecord, History, Push, SpanRecord
from tfx_vigil.components.retrain_gate.evidence import read_past
from tfx_vigil.pipelines import demo
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.lock import exclusive

NOW = datetime(2015, 1, 1, tzinfo=timezone.utc)
KEY = signing_key(DomainKeys(b"r" * 32, b"1" * 32, 1, "taxi"))


@pytest.fixture
def history(tmp_path):
    """The baseline, and one model pushed since; beside a vigil.yaml."""
    shutil.copy(Path(demo.__file__).with_name("vigil.yaml"), tmp_path)
    for version in ("1", "1400000000"):
        variables = tmp_path / "serving" / version / "variables"
        variables.mkdir(parents=True)
        (variables / "weights").write_text(version)
    history = History(str(tmp_path / "history"))
    first, second = (str(tmp_path / "serving" / v) for v in ("1", "1400000000"))
    history.write_baseline(BaselineRecord(model=first, rows=10))
    push = Push(model=second, candidate="from_scratch", trained_on=["baseline", "2014-01-01"])
    record(history, "2014-01-01", push)
    return history


def record(history, span, push=None):
    history.write_span(
        SpanRecord(
            span=span,
            window_start=NOW,
            window_end=NOW,
            revision="",
            complete=True,
            action="none",
            push=push,
        ),
        lambda folder: None,
    )


def test_the_model_before_is_put_back_as_the_newest_version(run, history):
    before = history.model_in_service()
    ran = run("roll-back", "--by", "Ada", "--comment", "too many refunds")
    assert (ran.code, before.model in ran.out) == (0, True)
    versions = sorted(Path("serving").iterdir(), key=lambda path: int(path.name))
    assert len(versions) == 3
    assert (versions[-1] / "variables/weights").read_text() == "1"
    in_service = history.model_in_service()
    assert (in_service.model, in_service.span) == (str(versions[-1].resolve()), "baseline")
    told = history.record("2014-01-01").roll_back
    assert (told.by, told.comment) == ("Ada", "too many refunds")
    assert history.record("2014-01-01").push is not None


def test_the_next_span_watches_the_model_that_was_put_back(run, history):
    assert run("roll-back", "--by", "Ada").code == 0
    past = read_past(history, "2014-07-01", NOW)
    assert (past.spans_since_push, past.last_push) == (1, NOW)
    assert past.versions == ("1400000000", Path(history.model_in_service().model).name)


def test_rolling_back_twice_is_where_one_began(run, history):
    run("roll-back", "--by", "Ada")
    assert run("roll-back", "--by", "Ada").code == 0
    assert history.model_in_service().span == "2014-01-01"
    newest = max(Path("serving").iterdir(), key=lambda path: int(path.name))
    assert (newest / "variables/weights").read_text() == "1400000000"


def test_what_a_killed_roll_back_left_is_removed(run, history):
    Path("serving/.restoring-1").mkdir()
    assert run("roll-back", "--by", "Ada").code == 0
    assert not list(Path("serving").glob(".restoring-*"))


def test_a_model_that_learned_from_an_erased_person_does_not_come_back(run, history):
    affected = AffectedModel(
        model=history.baseline().model,
        span="baseline",
        learned_from=["baseline"],
        in_service=False,
    )
    receipt = Receipt(
        number=0, time=NOW, request="erase", subject="", previous=None, files=0, rows=0
    )
    Receipts(history.root).append(receipt.model_copy(update={"models": [affected]}), KEY)
    ran = run("roll-back", "--by", "Ada")
    assert ran.code == 1
    assert "receipt 1) and must not serve again" in ran.err


def test_the_first_model_cannot_be_rolled_back(run, history):
    Path(history.root, "spans/2014-01-01.json").unlink()
    ran = run("roll-back", "--by", "Ada")
    assert (ran.code, "no model served before" in ran.err) == (1, True)


def test_a_roll_back_waits_for_a_run(run, history):
    with exclusive(load_config("vigil.yaml")):
        ran = run("roll-back", "--by", "Ada")
    assert (ran.code, "another run is writing" in ran.err) == (1, True)
