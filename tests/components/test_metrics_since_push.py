"""Of labels that come late, those of the model in service are told from its predecessor's."""

from datetime import datetime, timezone
from pathlib import Path

import pytest
from tfx_vigil.components.history import History, Push, SpanRecord

from .evidence import metric, slices
from .gate_evidence import decide, good, past, rule
from .recorded_spans import examples_of
from .test_matured_estimates import FIRST, ROWS, SECOND, evaluate, joined, rows


@pytest.fixture
def history(tmp_path):
    """A span at whose end a model was pushed."""
    history = History(str(tmp_path / "history"))
    start, end = (datetime(1970, 1, day, tzinfo=timezone.utc) for day in (1, 2))
    record = SpanRecord(
        span=FIRST,
        window_start=start,
        window_end=end,
        revision="",
        complete=True,
        action="push",
        push=Push(model="/models/1", candidate="from_scratch", trained_on=[FIRST]),
    )
    history.write_span(record, lambda folder: Path(folder, "note").write_text(""))
    return history


def labelled(folder, *tables):
    unlabelled = {k: v for k, v in rows(1, 4, labelled=False).items() if k != "label"}
    return examples_of(folder, labelled=joined(*tables), serving=unlabelled)


def test_the_metrics_since_a_push_are_those_of_the_rows_requested_since(tmp_path, history):
    new = labelled(tmp_path / "new", rows(1, 3))
    both = labelled(tmp_path / "both", rows(0, 2, flipped=True), rows(1, 3))
    report = evaluate(tmp_path / "again", both, history, SECOND)
    alone = evaluate(tmp_path / "alone", new)
    found = {m.metric: (m.value, m.lower, m.upper, m.n) for m in report.since_push}
    overall = [m for m in alone.metrics if m.slice == "overall"]
    assert found == {m.metric: pytest.approx((m.value, m.lower, m.upper, ROWS)) for m in overall}
    unchanged = evaluate(tmp_path / "unchanged", both)
    assert report.model_copy(update={"since_push": None}) == unchanged


def test_a_few_older_rows_are_told_apart_and_count_as_no_slice_without_a_name(tmp_path, history):
    few = {name: values[:5] for name, values in rows(0, 2).items()}
    both = labelled(tmp_path / "both", few, rows(1, 3))
    report = evaluate(tmp_path / "again", both, history, SECOND)
    assert {m.n for m in report.since_push} == {ROWS}
    assert report.unnamed_slices == 0


def test_where_all_requests_came_since_nothing_is_told_apart(tmp_path, history):
    new = labelled(tmp_path / "new", rows(1, 3))
    assert evaluate(tmp_path / "again", new, history, SECOND).since_push is None


def test_where_none_came_since_there_are_no_metrics_of_it(tmp_path, history):
    old = labelled(tmp_path / "old", rows(0, 2))
    assert evaluate(tmp_path / "again", old, history, SECOND).since_push == []


@pytest.mark.parametrize(
    ("since_push", "fired"),
    [(None, True), ([metric(0.5, n=400)], False), ([metric(0.8, n=400)], True), ([], None)],
)
def test_a_drop_of_the_predecessor_is_not_its_successors(since_push, fired):
    dropped = slices(0.8).model_copy(update={"since_push": since_push})
    found = decide(reports=good(slices=dropped), before=past(spans_since_push=1))
    assert rule(found, "metric_drop").outcome is fired
    assert rule(found, "promise").outcome is fired
