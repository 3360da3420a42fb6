"""The erasure trigger, and what it asks of candidates."""

from datetime import datetime, timedelta, timezone

import pytest
from tfx_vigil.beam_jobs.domain_keys import DomainKeys
from tfx_vigil.beam_jobs.subjects.receipts import AffectedModel, Receipt, Receipts, signing_key
from tfx_vigil.components.history import BaselineRecord, History, Push, SpanRecord
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.decide_retrain import decide_retrain
from tfx_vigil.components.retrain_gate.erasures import Erasure, read_erasures
from tfx_vigil.components.retrain_gate.evidence import Past, Reports, read_past
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy
from tfx_vigil.components.retrain_gate.push_evidence import PushEvidence
from tfx_vigil.components.retrain_gate.push_policy import PushPolicy
from tfx_vigil.components.retrain_gate.trigger_policy import Triggers

from .evidence import NOW, SPAN, candidate, change, drift, ingest, metric, slices

KEY = signing_key(DomainKeys(b"r" * 32, b"1" * 32, 1, "taxi"))


def erasure(days_ago, receipt=1, deadline=None):
    time = NOW - timedelta(days=days_ago)
    return Erasure("/serving/1", receipt, time, deadline)


def decide(erasures, policy=None, reports=None):
    past = Past(
        now=NOW,
        reference=metric(0.5, model="candidate"),
        labelled_rows=(("baseline", 3000),),
        in_service_since=NOW - timedelta(days=100),
        erasures=tuple(erasures),
    )
    reports = reports or Reports(ingest=ingest(), drift=drift(), slices=slices(0.5))
    return decide_retrain(policy or RetrainPolicy(), SPAN, reports, past)[0]


def rule(decision, name):
    return next(r for r in decision.rules if r.rule == name)


@pytest.mark.parametrize(
    ("erasures", "action", "due", "overdue"),
    [
        ([], "none", None, False),
        ([erasure(1)], "retrain", "2014-07-30", False),
        ([erasure(22)], "retrain", "2014-07-09", False),
        ([erasure(23)], "retrain_urgently", "2014-07-08", False),
        ([erasure(30)], "retrain_urgently", "2014-07-01", False),
        ([erasure(31)], "retrain_urgently", "2014-06-30", True),
        ([erasure(1), erasure(20, 2)], "retrain", "2014-07-11", False),
        ([erasure(1, deadline=NOW + timedelta(days=9))], "retrain", "2014-07-10", False),
        ([erasure(1, deadline=NOW - timedelta(hours=1))], "retrain_urgently", "2014-06-30", True),
        ([erasure(-365)], "retrain", "2015-07-31", False),
    ],
)
def test_an_erasure_fires_until_the_model_is_replaced_and_says_by_when(
    erasures, action, due, overdue
):
    decision = decide(erasures)
    found = rule(decision, "erasure")
    fires = action != "none"
    assert (found.outcome, decision.action) == (fires, action)
    assert ("OVERDUE" in decision.next_step) is overdue
    if fires:
        assert (
            f"model /serving/1 learned from {'2 people' if len(erasures) > 1 else 'a person'}"
            in (decision.next_step)
        )
        assert f"replaced by {due}" in decision.next_step
        assert found.inputs["receipts"] == [each.receipt for each in erasures]


def test_the_deadline_is_the_policys_and_the_trigger_can_be_switched_off():
    week = RetrainPolicy(triggers=Triggers(erasure={"deadline_days": 7}))
    assert "replaced by 2014-07-07" in decide([erasure(1)], week).next_step
    off = RetrainPolicy(triggers=Triggers(erasure=None))
    decision = decide([erasure(1)], off)
    assert decision.action == "none"
    assert not any(r.rule == "erasure" for r in decision.rules)


def test_a_guard_holds_but_model_and_date_are_named_all_the_same():
    reports = Reports(ingest=ingest(dead=100), drift=drift(), slices=slices(0.5))
    decision = decide([erasure(1)], reports=reports)
    assert decision.action == "hold"
    assert "blocked" in decision.next_step
    assert "model /serving/1" in decision.next_step
    assert "2014-07-30" in decision.next_step


EQUAL, WORSE = change(0.001), change(0.05)


@pytest.mark.parametrize(
    ("candidates", "erasures", "chosen"),
    [
        ({"from_scratch": candidate(0.5, EQUAL)}, [], None),
        ({"from_scratch": candidate(0.5, EQUAL)}, [erasure(1)], "from_scratch"),
        ({"from_scratch": candidate(0.5, WORSE)}, [erasure(1)], None),
        ({"from_scratch": candidate(0.5)}, [erasure(1)], None),
        ({"from_scratch": candidate(0.5, EQUAL, rows=299)}, [erasure(1)], None),
        (
            {"from_scratch": candidate(0.5, EQUAL, change(0.05, slice_="a=b"))},
            [erasure(1)],
            None,
        ),
        ({"fine_tuned": candidate(0.4, change(-0.1))}, [erasure(1)], None),
        (
            {
                "fine_tuned": candidate(0.4, change(-0.1)),
                "from_scratch": candidate(0.5, EQUAL),
            },
            [erasure(1), erasure(2, 2)],
            "from_scratch",
        ),
    ],
)
def test_a_model_that_forgets_need_only_be_no_worse(candidates, erasures, chosen):
    decision = decide_push(PushPolicy(), SPAN, PushEvidence(candidates, erasures=erasures))
    assert decision.chosen == chosen
    if erasures and "fine_tuned" in candidates:
        assert "does not make it forget" in rule(decision, "fine_tuned: forgets").reason


def record(history, span, push=None):
    year = int(span[:4])
    history.write_span(
        SpanRecord(
            span=span,
            window_start=datetime(year, 1, 1, tzinfo=timezone.utc),
            window_end=datetime(year + 1, 1, 1, tzinfo=timezone.utc),
            revision="",
            complete=True,
            action="push" if push else "none",
            push=push,
        ),
        lambda folder: None,
    )


def pushed(model, candidate, *spans):
    return Push(model=model, candidate=candidate, trained_on=list(spans))


@pytest.fixture
def history(tmp_path):
    """Two models, the second fine-tuned from the first, which learned from 2014."""
    history = History(str(tmp_path / "history"))
    history.write_baseline(BaselineRecord(model="/first", rows=10))
    record(history, "2014", pushed("/second", "from_scratch", "baseline", "2014"))
    record(history, "2015", pushed("/third", "fine_tuned", "2015"))
    return history


def erase(history, *models, request="erase"):
    affected = [
        AffectedModel(model=model, span="2014", learned_from=["2014"], in_service=True)
        for model in models
    ]
    receipt = Receipt(
        number=0, time=NOW, request=request, subject="", previous=None, files=0, rows=0
    )
    Receipts(history.root).append(receipt.model_copy(update={"models": affected}), KEY)


def test_a_model_fine_tuned_from_one_that_learned_from_the_person_did_too(history):
    erase(history, "/second")
    assert [e.model for e in read_erasures(history, "2015")] == ["/second"]
    assert [e.model for e in read_erasures(history, "2016")] == ["/third"]
    assert read_past(history, "2016", NOW).erasures == read_erasures(history, "2016")
    assert read_erasures(history, "2014") == ()


def test_a_model_trained_from_scratch_since_ends_the_trigger(history):
    erase(history, "/second", "/third")
    record(history, "2016", pushed("/fourth", "from_scratch", "2016"))
    assert len(read_erasures(history, "2016")) == 1
    assert read_erasures(history, "2017") == ()


def test_other_requests_and_an_empty_history_trigger_nothing(history, tmp_path):
    erase(history, "/third", request="rectify")
    erase(history)
    assert read_erasures(history, "2016") == ()
    assert read_erasures(History(str(tmp_path / "none")), "2016") == ()
