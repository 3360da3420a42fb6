"""``tfx-vigil gate`` as a script sees it."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from tfx_vigil.components.history import BaselineRecord, History, Push, SpanRecord
from tfx_vigil.components.retrain_gate.decide_retrain import decide_retrain
from tfx_vigil.components.retrain_gate.evidence import Reports, read_past
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy

from ..components.evidence import candidate, change, drift, ingest, privacy, slices

LOSS = "binary_crossentropy"
IN_FORCE = RetrainPolicy.model_validate(
    {
        "triggers": {"metric_bounds": [{"metric": LOSS, "max": 0.6}]},
        "guards": {"min_labelled_rows": 9},
    }
)


@pytest.fixture
def history(tmp_path):
    """Three days: nothing; drift, answered by a push; a metric out of bounds, bad logs."""
    history = History(str(tmp_path / "history"))
    Path(history.baseline_path()).mkdir(parents=True)
    reference = slices(0.5, model="candidate").model_dump_json()
    Path(history.baseline_path("slices.json")).write_text(reference)
    history.write_baseline(BaselineRecord(model="/first", rows=3000))
    found = [
        Reports(ingest(), privacy(), drift(), slices(0.5)),
        Reports(ingest(), privacy(), drift("act"), slices(0.5)),
        Reports(ingest(dead=900), privacy(), drift(), slices(0.7)),
    ]
    start = datetime(2026, 1, 1, tzinfo=timezone.utc)
    for day, reports in enumerate(found):
        first, last = (start + timedelta(days=day + more) for more in (0, 1))
        span = f"{first:%Y-%m-%d}"
        past = read_past(history, span, last)
        decision, plan = decide_retrain(IN_FORCE, span, reports, past)
        written = {**vars(reports), "decision": decision, "plan": plan}
        if decision.retrain:
            written["from_scratch"] = candidate(0.4, change(-0.1))

        def fill(folder, written=written):
            for name, report in written.items():
                Path(folder, f"{name}.json").write_text(report.model_dump_json(indent=1))

        push = Push(model="/next", candidate="from_scratch", trained_on=["baseline", span])
        record = SpanRecord(
            span=span,
            window_start=first,
            window_end=last,
            revision="",
            complete=True,
            action=decision.action,
            push=push if decision.retrain else None,
        )
        history.write_span(record, fill)
    return history


ACTIONS = ["none", "retrain", "call_human"]
SPANS = ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.mark.parametrize(("span", "action"), zip(SPANS, ACTIONS, strict=True))
def test_replay_gives_the_bytes_of_the_recorded_decision(run, history, span, action):
    ran = run("gate", "--history", "history", "--replay", span, "--json")
    recorded = Path(history.path(history.record(span), "decision.json")).read_text()
    assert (ran.code, ran.json["action"]) == (0, action)
    assert ran.out == recorded + "\n"


def test_replay_by_another_policy_says_what_was_recorded(run, history):
    Path("policy.yaml").write_text("guards: {min_labelled_rows: 100000}\n")
    arguments = ["--history", "history", "--replay", SPANS[1], "--policy", "policy.yaml"]
    assert run("gate", *arguments, "--json").json["action"] == "hold"
    assert "Recorded was: retrain" in run("gate", *arguments).out
    Path("policy.yaml").write_text("guards: {min_labeled_rows: 1}\n")
    ran = run("gate", *arguments)
    assert ran.code == 2
    assert "policy.yaml:1: guards.min_labeled_rows: unknown key" in ran.err


def test_explain_shows_each_rule_with_what_it_asks_and_found(run, history):
    out = run("gate", "--history", "history", "--replay", SPANS[2], "--explain").out
    assert "2026-01-03: call_human" in out
    for told in ("yes: metric_bound binary_crossentropy", "no: readable_logs", "asks: ", "Had "):
        assert told in out


def test_explain_shows_what_a_retrained_model_learns_from(run, history):
    out = run("gate", "--history", "history", "--replay", SPANS[1], "--explain").out
    assert "To learn from, beside 2026-01-02 (similar)" in out
    assert "baseline, 3000 labelled rows: keep" in out
    assert "To learn" not in run("gate", "--history", "history", "--replay", SPANS[0]).out


def test_backtest_compares_a_policy_with_the_one_in_force(run, history):
    Path("policy.yaml").write_text("triggers: {drift: null}\nguards: {max_dead_letter_share: 1}\n")
    ran = run("gate", "--history", "history", "--backtest", "policy.yaml", "--json")
    assert ran.code == 0
    assert [(s["action"], s["other_action"]) for s in ran.json["spans"]] == [
        ("none", "none"),
        ("retrain", "watch"),
        ("call_human", "retrain_urgently"),
    ]
    counts = {"spans": 3, "retrained": 1, "held": 0, "pushes_unknown": 0}
    assert ran.json["summary"] == {
        "in_force": counts | {"called_human": 1, "pushed": 1, "days_out_of_bounds_unanswered": 1.0},
        "backtested": counts
        | {"called_human": 0, "pushed": 0, "pushes_unknown": 1}
        | {"days_out_of_bounds_unanswered": 0},
    }
    out = run("gate", "--history", "history", "--backtest", "policy.yaml").out
    assert "is not known" in out


def test_backtest_by_the_policy_in_force_changes_nothing(run, history):
    Path("policy.yaml").write_text(
        "triggers: {metric_bounds: [{metric: binary_crossentropy, max: 0.6}]}\n"
        "guards: {min_labelled_rows: 9}\n"
    )
    summary = run("gate", "--history", "history", "--backtest", "policy.yaml", "--json").json[
        "summary"
    ]
    assert summary["in_force"] == summary["backtested"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--replay", SPANS[0]], "give --history or --config"),
        (["--history", "history"], "give one of --replay SPAN, --backtest POLICY"),
        (["--history", "history", "--backtest", "p", "--explain"], "go with --replay"),
    ],
)
def test_gate_says_which_options_go_together(run, history, arguments, problem):
    ran = run("gate", *arguments)
    assert ran.code == 2
    assert problem in ran.err


def test_gate_needs_a_span_of_the_history(run, history):
    ran = run("gate", "--history", "history", "--replay", "2025-01-01")
    assert ran.code == 1
    assert "has no span '2025-01-01'" in ran.err


APPROVED = "guards: {min_labelled_rows: 9, human_approval: true}\n"


def test_a_person_approves_of_a_decision_on_its_evidence(run, history):
    Path("policy.yaml").write_text(APPROVED)
    again = ["--history", "history", "--replay", SPANS[1], "--policy", "policy.yaml"]
    assert run("gate", *again, "--json").json["action"] == "call_human"
    assert f"tfx-vigil gate --approve {SPANS[1]}" in run("gate", *again).out
    said = ["--by", "Ada", "--comment", "the fares rose"]
    ran = run("gate", "--history", "history", "--approve", SPANS[1], *said)
    assert (ran.code, "run the span again" in ran.out) == (0, True)
    decision = run("gate", *again, "--json").json
    assert decision["action"] == "retrain"
    assert "Ada has approved: the fares rose" in [rule["reason"] for rule in decision["rules"]]


def test_a_person_can_refuse_whatever_the_policy(run, history):
    run("gate", "--history", "history", "--refuse", SPANS[1], "--by", "Ada")
    decision = run("gate", "--history", "history", "--replay", SPANS[1], "--json").json
    assert (decision["action"], decision["retrain"]) == ("hold", False)
    assert "Ada has refused" in decision["next_step"]


def test_a_ruling_needs_a_name(run, history):
    ran = run("gate", "--history", "history", "--approve", SPANS[1])
    assert (ran.code, "say --by whom" in ran.err) == (2, True)
