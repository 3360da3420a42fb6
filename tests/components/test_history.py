from datetime import datetime, timezone
from pathlib import Path

import pytest
from tfx_vigil.components.history import (
    BaselineRecord,
    History,
    HistoryError,
    Push,
    Revised,
    RollBack,
    SpanRecord,
)

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


def record(span, complete=True, action="none"):
    year = int(span[:4])
    return SpanRecord(
        span=span,
        window_start=datetime(year, 1, 1, tzinfo=timezone.utc),
        window_end=datetime(year + 1, 1, 1, tzinfo=timezone.utc),
        revision="",
        complete=complete,
        action=action,
    )


def file(text):
    def fill(folder):
        with open(f"{folder}/note.txt", "w") as f:
            f.write(text)
        return ["note"]

    return fill


def tree(root):
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.fixture
def history(tmp_path):
    return History(str(tmp_path / "history"))


def test_spans_come_back_in_order_and_only_complete_ones(history):
    for span in ("2015", "2014", "2016"):
        history.write_span(record(span, complete=span != "2016"), file(span))
    assert [r.span for r in history.spans()] == ["2014", "2015"]
    assert [r.span for r in history.spans(before="2015")] == ["2014"]
    assert [r.span for r in history.all_records()] == ["2014", "2015", "2016"]


def test_running_a_span_again_replaces_its_record_and_nothing_else(history, tmp_path):
    for span in ("2014", "2015"):
        history.write_span(record(span), file("first"))
    before = {k: v for k, v in tree(tmp_path).items() if "2015" not in k}
    again = history.write_span(record("2015"), file("second"))
    history.sweep()
    assert Path(history.path(again, "note.txt")).read_text() == "second"
    assert {k: v for k, v in tree(tmp_path).items() if "2015" not in k} == before
    assert len(list((tmp_path / "history/spans/2015").iterdir())) == 1


def test_the_same_files_make_the_same_history(tmp_path):
    for name in ("a", "b"):
        history = History(str(tmp_path / name))
        history.write_span(record("2014"), file("same"))
        history.write_span(record("2014"), file("same"))
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_a_run_killed_while_writing_leaves_the_old_record_and_is_swept(history, tmp_path):
    old = history.write_span(record("2014"), file("old"))
    before = tree(tmp_path)

    def killed(folder):
        file("half")(folder)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        history.write_span(record("2014"), killed)
    assert history.record("2014") == old
    history.sweep()
    assert tree(tmp_path) == before


def test_the_model_in_service_is_the_newest_push_before_a_span(history):
    assert history.model_in_service() is None
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    assert history.model_in_service().model == "/first"
    history.write_span(record("2014", complete=False), file(""))
    push = Push(model="/second", candidate="fine_tuned", trained_on=["baseline", "2014"])
    history.complete_span("2014", push, "push", file("pushed"))
    history.write_span(record("2015"), file(""))
    assert history.model_in_service(before="2014").model == "/first"
    assert history.model_in_service(before="2015").model == "/second"
    assert history.model_in_service().span == "2014"
    assert '"/second"' in Path(history.root, "model_in_service.json").read_text()


def test_a_span_that_waits_for_its_retraining_is_not_complete(history):
    history.write_span(record("2014", complete=False, action="retrain"), file(""))
    assert history.spans() == []
    history.complete_span("2014", None, "hold", file(""))
    assert [(r.span, r.action, r.push) for r in history.spans()] == [("2014", "hold", None)]


def test_a_damaged_record_and_an_unknown_span_are_named(history):
    with pytest.raises(HistoryError, match="no span '2014'"):
        history.record("2014")
    history.write_span(record("2014"), file(""))
    with open(f"{history.root}/spans/2014.json", "w") as f:
        f.write('{"span": 1}')
    with pytest.raises(HistoryError, match=r"2014\.json is not a readable SpanRecord"):
        history.spans()


def test_a_span_run_again_that_pushes_no_more_gives_its_place_back(history):
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    history.write_span(record("2014", complete=False), file(""))
    push = Push(model="/second", candidate="fine_tuned", trained_on=["2014"])
    history.complete_span("2014", push, "push", file(""))
    history.write_span(record("2014"), file(""))
    pointer = Path(history.root, "model_in_service.json").read_text()
    assert '"/first"' in pointer


def test_a_record_half_written_when_the_run_was_killed_is_swept(history, tmp_path):
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    history.write_span(record("2014"), file(""))
    before = tree(tmp_path)
    for place in ("", "spans", "baseline"):
        Path(history.root, place, "x.json.0123.partial").write_text("{")
    history.sweep()
    assert tree(tmp_path) == before


NOTE = Revised(time=datetime(2026, 1, 1, tzinfo=timezone.utc), request="erase", receipt=1)


def test_a_revised_span_has_new_files_only_and_says_why(history, tmp_path):
    old = history.write_span(record("2014"), file("with the person"))
    new = history.revise("2014", file("without"), NOTE)
    assert new.revision != old.revision
    assert new.revised == [NOTE.model_copy(update={"names": ["note"]})]
    assert history.record("2014") == new
    assert Path(history.path(new, "note.txt")).read_text() == "without"
    assert not any(b"with the person" in content for content in tree(tmp_path).values())
    again = history.revise("2014", file("without"), NOTE)
    assert again == new


@pytest.mark.parametrize("step", ["fill", "copy", "record", "delete"])
def test_a_revision_killed_at_any_step_leaves_one_whole_span(history, tmp_path, monkeypatch, step):
    old = history.write_span(record("2014"), file("old"))

    def killed(path, *_args, **_kwargs):
        if step != "delete" or old.revision in path:
            raise KeyboardInterrupt

    broken = {"copy": "fileio.copy", "record": "fileio.rename", "delete": "fileio.rmtree"}
    with monkeypatch.context() as patch:
        if step in broken:
            patch.setattr(f"tfx_vigil.components.history.{broken[step]}", killed)
        with pytest.raises(KeyboardInterrupt):
            history.revise("2014", killed if step == "fill" else file("new"), NOTE)
    history.sweep()
    assert (history.record("2014") == old) is (step != "delete")
    assert len(list((tmp_path / "history/spans/2014").iterdir())) == 1
    new = history.revise("2014", file("new"), NOTE)
    assert Path(history.path(new, "note.txt")).read_text() == "new"


def test_a_model_descends_from_those_it_was_fine_tuned_from(history):
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    for span, candidate in (
        ("2014", "from_scratch"),
        ("2015", "fine_tuned"),
        ("2016", "fine_tuned"),
    ):
        push = Push(model=f"/{span}", candidate=candidate, trained_on=[span])
        history.write_span(record(span).model_copy(update={"push": push}), file(""))
    assert [m.model for m in history.models()] == ["/first", "/2014", "/2015", "/2016"]
    line = history.ancestry(history.model_in_service())
    assert [m.model for m in line] == ["/2016", "/2015", "/2014"]
    assert [m.model for m in history.ancestry(history.models()[0])] == ["/first"]


def test_a_model_that_was_put_back_keeps_its_origin(history):
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    assert history.previous_model() is None
    for span, candidate in (("2014", "from_scratch"), ("2015", "fine_tuned")):
        push = Push(model=f"/{span}", candidate=candidate, trained_on=[span])
        history.write_span(record(span).model_copy(update={"push": push}), file(""))
    assert history.previous_model().model == "/2014"
    again = Push(model="/again", candidate="previous", trained_on=["2014"], restores="2014")
    history.write_roll_back("2015", RollBack(push=again, by="Ada", time=NOW))
    in_service = history.model_in_service()
    assert (in_service.model, in_service.span) == ("/again", "2014")
    assert [m.model for m in history.ancestry(in_service)] == ["/again"]
    assert history.previous_model().model == "/2015"
    assert history.model_in_service(before="2015").model == "/2014"
