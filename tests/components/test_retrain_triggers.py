"""Each trigger of the policy by a table; the older ones are in test_retrain_decisions."""

import pytest
from tfx_vigil.beam_jobs.reports import Estimates, MaturedEstimate, MetricEstimate

from .evidence import LOSS, drift, ingest, metric, slices
from .gate_evidence import days_ago, decide, good, past, rule

QUIET = {"drift": None, "metric_drop": None, "promise": None, "erasure": None}


def asking(**triggers):
    return {"triggers": QUIET | triggers}


def estimated(value, doubts=()):
    found = MetricEstimate(
        slice="overall", metric=LOSS, value=value, lower=value - 0.01, upper=value + 0.01, n=900
    )
    estimates = Estimates(
        model="logged",
        method="confidence_based",
        rows=900,
        labelled=500,
        metrics=[found],
        doubts=list(doubts),
    )
    return good(slices=slices(0.5).model_copy(update={"estimates": estimates}))


def refuted(value, held):
    matured = MaturedEstimate(
        span="2013-07-01",
        metric=LOSS,
        value=0.5,
        lower=0.49,
        upper=0.51,
        real=0.6,
        real_lower=0.59,
        real_upper=0.61,
        n=900,
        estimated_rows=900,
        held=held,
    )
    reports = estimated(value)
    return good(slices=reports.slices.model_copy(update={"matured": [matured]}))


def served_by(**versions):
    return good(ingest=ingest().model_copy(update={"model_versions": versions}))


ESTIMATE = asking(estimated_drop={"margin": 0.02})
PROMISE = asking(promise={"spans": 2, "margin": 0.02})
MONTHLY = asking(schedule={"start": "2014-01-01", "length": "P1M"})
VERSIONS = asking(other_versions={"max_share": 0.1})


@pytest.mark.parametrize(
    ("policy", "reports", "before", "action"),
    [
        (ESTIMATE, estimated(0.54), past(), "retrain"),
        (ESTIMATE, estimated(0.52), past(), "none"),
        (ESTIMATE, estimated(0.54, ["scores changed"]), past(), "watch"),
        (ESTIMATE, refuted(0.54, held=False), past(), "watch"),
        (ESTIMATE, refuted(0.54, held=True), past(), "retrain"),
        (ESTIMATE, good(), past(), "watch"),
        (ESTIMATE, estimated(0.54), past(reference=None), "watch"),
        (PROMISE, good(slices=slices(0.55)), past(spans_since_push=1), "retrain_urgently"),
        (PROMISE, good(slices=slices(0.55)), past(spans_since_push=2), "retrain_urgently"),
        (PROMISE, good(slices=slices(0.55)), past(spans_since_push=3), "none"),
        (PROMISE, good(slices=slices(0.55)), past(), "none"),
        (PROMISE, good(slices=slices(0.535)), past(spans_since_push=1), "none"),
        (PROMISE, good(slices=None), past(spans_since_push=1), "watch"),
        (MONTHLY, good(), past(retrainings=(days_ago(20),)), "retrain"),
        (MONTHLY, good(), past(retrainings=(days_ago(0),)), "none"),
        (MONTHLY, good(), past(in_service_since=None), "watch"),
        (VERSIONS, served_by(**{"7": 80, "8": 20}), past(versions=("7",)), "call_human"),
        (VERSIONS, served_by(**{"7": 90, "8": 10}), past(versions=("7",)), "none"),
        (VERSIONS, served_by(**{"7": 50, "8": 50}), past(versions=("7", "8")), "none"),
        (VERSIONS, good(), past(versions=("7",)), "watch"),
        (VERSIONS, served_by(**{"7": 50}), past(), "watch"),
    ],
)
def test_what_a_trigger_asks_for(policy, reports, before, action):
    decision = decide(policy, reports, before)
    assert decision.action == action
    assert decision.retrain is (action in ("retrain", "retrain_urgently"))
    assert bool(decision.reasons) is (action != "none")


def test_a_trigger_says_which_number_it_held_against_which():
    drop = rule(decide(reports=good(slices=slices(0.53))), "metric_drop")
    assert (drop.value, drop.threshold, drop.outcome) == (0.52, 0.52, False)
    bound = {"metric": LOSS, "min": 0.1, "max": 0.6}
    decision = decide(asking(metric_bounds=[bound]), good(slices=slices(0.58)))
    assert (rule(decision, "metric_bound").value, rule(decision, "metric_bound").threshold) == (
        pytest.approx(0.57),
        0.6,
    )


def test_what_a_trigger_asks_for_can_be_changed():
    policy = asking(drift={"severity": "watch", "then": "call_human"})
    assert decide(policy, good(drift=drift("watch"))).action == "call_human"


def test_a_metric_is_not_held_against_another_one():
    before = past(reference=metric(0.5, name="auc", model="candidate"))
    decision = decide(reports=good(slices=slices(0.9)), before=before)
    assert rule(decision, "metric_drop").outcome is None
    assert "it was judged by auc" in rule(decision, "metric_drop").reason


def test_a_metric_that_got_better_breaks_no_promise():
    assert decide(PROMISE, good(slices=slices(0.3)), past(spans_since_push=1)).action == "none"
    risen = slices(0.9, larger_is_better=True)
    better = past(spans_since_push=1, reference=metric(0.5))
    assert decide(PROMISE, good(slices=risen), better).action == "none"
