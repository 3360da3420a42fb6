from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.components.retrain_gate.guard_policy import Guards
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy
from tfx_vigil.components.retrain_gate.trigger_policy import MetricBound, Triggers

from .evidence import NOW, drift, ingest, metric, slices
from .gate_evidence import decide, good, past, rule


def test_nothing_is_done_while_all_is_well():
    decision = decide()
    assert (decision.action, decision.retrain, decision.reasons) == ("none", False, [])


ONLY_AGE = RetrainPolicy(triggers=Triggers(drift=None, metric_drop=None, max_age_days=90))
ONLY_ROWS = RetrainPolicy(triggers=Triggers(drift=None, metric_drop=None, new_labelled_rows=2500))
BOUND = RetrainPolicy(
    triggers=Triggers(metric_bounds=[MetricBound(metric="calibration", min=0.8, max=1.25)])
)


def calibration(value):
    return good(slices=slices(0.5, others=[metric(value, 0.05, "calibration")]))


@pytest.mark.parametrize(
    ("name", "policy", "reports", "before", "fires"),
    [
        ("drift", None, good(drift=drift("act")), past(), True),
        ("drift", None, good(drift=drift("watch")), past(), False),
        ("drift", None, good(drift=None), past(), None),
        ("drift", None, good(drift=drift(compared=False, not_compared=["no x"])), past(), None),
        ("metric_drop", None, good(slices=slices(0.54)), past(), True),
        ("metric_drop", None, good(slices=slices(0.525)), past(), False),
        ("metric_drop", None, good(slices=slices(0.45, larger_is_better=True)), past(), True),
        ("metric_drop", None, good(slices=slices(0.55, larger_is_better=True)), past(), False),
        ("metric_drop", None, good(), past(reference=None), None),
        ("metric_drop", None, good(slices=None), past(), None),
        ("metric_bound", BOUND, calibration(0.7), past(), True),
        ("metric_bound", BOUND, calibration(0.78), past(), False),
        ("metric_bound", BOUND, calibration(1.4), past(), True),
        ("metric_bound", BOUND, good(), past(), None),
        ("new_labelled_rows", ONLY_ROWS, good(), past(unlearned_rows=500), True),
        ("new_labelled_rows", ONLY_ROWS, good(), past(unlearned_rows=499), False),
        ("new_labelled_rows", ONLY_ROWS, good(slices=None), past(), None),
        ("max_age", ONLY_AGE, good(), past(), True),
        ("max_age", ONLY_AGE, good(), past(in_service_since=NOW - timedelta(days=80)), False),
        ("max_age", ONLY_AGE, good(), past(in_service_since=None), None),
    ],
)
def test_triggers(name, policy, reports, before, fires):
    decision = decide(policy, reports, before)
    assert rule(decision, name).outcome is fires
    if fires and reports.slices:
        assert decision.action == rule(decision, name).then
    if fires is None:
        assert decision.action in ("watch", "hold")
        assert not decision.retrain
        assert "cannot tell" in rule(decision, name).reason


def test_a_drift_that_must_persist_waits_for_its_spans():
    policy = RetrainPolicy(triggers={"drift": {"severity": "act", "spans": 2}})
    reports = good(drift=drift("act"))
    assert decide(policy, reports, past(severities=("none",))).action == "watch"
    assert decide(policy, reports, past(severities=("act",))).action == "retrain"


COOL = RetrainPolicy(guards=Guards(cool_down_days=30))


@pytest.mark.parametrize(
    ("name", "policy", "reports", "before"),
    [
        ("readable_logs", None, {"ingest": ingest(dead=100)}, past()),
        ("readable_logs", None, {"ingest": None}, past()),
        ("sound_data", None, {"drift": drift("act", errors=1)}, past()),
        ("sound_data", None, {"drift": None}, past()),
        ("enough_labels", None, {"slices": slices(0.9, rows=100)}, past(labelled_rows=())),
        ("cool_down", COOL, {}, past(last_push=NOW - timedelta(days=10))),
        ("known_model", None, {}, past(has_model=False)),
    ],
)
def test_guards_hold_what_a_trigger_asks_for(name, policy, reports, before):
    decision = decide(policy, good(**reports), before, on_demand=True)
    assert (decision.action, decision.retrain) == ("hold", False)
    assert not rule(decision, name).outcome
    assert rule(decision, name).reason in decision.reasons


def test_a_cool_down_ends():
    before = past(last_push=NOW - timedelta(days=31))
    assert decide(COOL, good(), before, on_demand=True).action == "retrain"


def test_on_demand_retrains_without_another_reason():
    assert decide(on_demand=True).action == "retrain"


def test_the_same_evidence_gives_the_same_bytes():
    first, second = (decide(reports=good(drift=drift("act"))) for _ in range(2))
    assert first.model_dump_json() == second.model_dump_json()
    assert set(first.evidence) == {"ingest", "drift", "slices"}


@given(
    loss=st.floats(0.3, 0.9),
    worse=st.floats(0, 0.5),
    severity=st.sampled_from(["none", "watch", "act"]),
    worse_severity=st.sampled_from(["none", "watch", "act"]),
)
def test_worse_evidence_never_turns_retraining_into_nothing(loss, worse, severity, worse_severity):
    order = ["none", "watch", "act"]
    better = decide(reports=good(slices=slices(loss), drift=drift(severity)))
    severity = max(severity, worse_severity, key=order.index)
    poorer = decide(reports=good(slices=slices(loss + worse), drift=drift(severity)))
    assert poorer.retrain or not better.retrain
