"""Which candidate the gate lets through, and what it says of the others."""

import pytest
from tfx_vigil.beam_jobs.reports import Quantiles, SliceDifference
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.erasures import Erasure
from tfx_vigil.components.retrain_gate.push_evidence import PushEvidence
from tfx_vigil.components.retrain_gate.push_policy import PushPolicy

from .evidence import NOW, SPAN, candidate, change, metric, serving, serving_check
from .gate_evidence import rule


@pytest.mark.parametrize(
    ("candidates", "chosen"),
    [
        ({"fine_tuned": candidate(0.50, change(-0.05))}, "fine_tuned"),
        (
            {
                "fine_tuned": candidate(0.50, change(-0.05)),
                "from_scratch": candidate(0.49, change(-0.06)),
            },
            "from_scratch",
        ),
        (
            {
                "fine_tuned": candidate(0.50, change(-0.05)),
                "from_scratch": candidate(0.49, change(-0.06), change(0.05, slice_="a=b")),
            },
            "fine_tuned",
        ),
        ({"fine_tuned": candidate(0.50, change(-0.005))}, None),
        ({"fine_tuned": candidate(0.50, change(-0.05), rows=299)}, None),
        ({"fine_tuned": candidate(0.50)}, None),
        ({"fine_tuned": candidate(0.5, change(-0.05), change(0.05, slice_="a=b"))}, None),
        ({"fine_tuned": candidate(0.5, change(-0.05), change(0.05, 0.1, "a=b"))}, "fine_tuned"),
        ({"fine_tuned": candidate(0.5, change(0.05), larger_is_better=True)}, "fine_tuned"),
        ({"fine_tuned": candidate(0.5, change(-0.05), larger_is_better=True)}, None),
    ],
)
def test_only_a_candidate_that_is_surely_better_and_hurts_no_slice_is_pushed(candidates, chosen):
    decision = decide_push(PushPolicy(), SPAN, PushEvidence(candidates))
    assert (decision.chosen, decision.push) == (chosen, chosen is not None)
    assert decision.action == ("push" if chosen else "hold")
    assert decision.reasons


def judge(report, **policy):
    return decide_push(
        PushPolicy.model_validate(policy), SPAN, PushEvidence({"fine_tuned": report})
    )


def better(*changes, metrics=(), gaps=()):
    report = candidate(0.5, change(-0.05), *changes)
    return report.model_copy(
        update={"metrics": [*report.metrics, *metrics], "between_slices": list(gaps)}
    )


NO_INTERVAL = change(0.5, slice_="a=b").model_copy(update={"lower": None, "upper": None})


@pytest.mark.parametrize(
    ("changes", "policy", "outcome"),
    [
        ([change(0.03, slice_="a=b")], {"slice_margins": {"a=b": 0.04}}, True),
        ([change(0.03, slice_="a=b")], {"slice_margins": {"a=c": 0.04}}, None),
        ([change(0.015, slice_="a=b")], {"slice_margins": {"a=b": 0.01}}, False),
        ([change(0.03, slice_="a=b")], {"unguarded": ["a"]}, True),
        ([change(0.03, slice_="a=b")], {"unguarded": ["a"], "slice_margins": {"a=b": 0}}, False),
        ([NO_INTERVAL], {}, True),
        ([NO_INTERVAL], {"slice_margins": {"a=b": 0.01}}, None),
    ],
)
def test_slices_may_have_margins_of_their_own(changes, policy, outcome):
    decision = judge(better(*changes), **policy)
    assert rule(decision, "fine_tuned: no_slice_worse").outcome is outcome
    assert decision.push is (outcome is True)


def test_a_slice_that_cannot_be_told_is_named():
    found = rule(judge(better(NO_INTERVAL)), "fine_tuned: no_slice_worse")
    assert found.inputs["untold"] == ["a=b"]
    assert "it cannot be told on a=b" in found.reason


def calibration(value, model="candidate"):
    return metric(value, 0.05, "calibration", model)


@pytest.mark.parametrize(
    ("metrics", "outcome"),
    [
        ([calibration(0.9)], True),
        ([calibration(0.7)], False),
        ([calibration(1.3)], False),
        ([calibration(1.3), calibration(1.31, "in_service")], True),
        ([calibration(1.3), calibration(0.75, "in_service")], True),
        ([calibration(1.3), calibration(0.8, "in_service")], False),
        ([calibration(0.0), calibration(0.7, "in_service")], False),
        ([], None),
        ([calibration(1.0, "in_service")], None),
    ],
)
def test_a_candidate_is_calibrated_or_no_worse_than_the_model_in_service(metrics, outcome):
    decision = judge(better(metrics=metrics), calibration={})
    assert rule(decision, "fine_tuned: calibrated").outcome is outcome
    assert decision.push is (outcome is True)


def gap(difference, model="candidate", half_width=0.02, ratio=None):
    known = difference is not None
    return SliceDifference(
        model=model,
        slice="sex=f",
        against="sex=m",
        metric="true_positive_rate",
        difference=difference,
        lower=difference - half_width if known else None,
        upper=difference + half_width if known else None,
        ratio=ratio,
        n=300,
    )


DIFFERENCE = {"metric": "true_positive_rate", "max_difference": 0.1}
RATIO = {"metric": "true_positive_rate", "min_ratio": 0.8}


@pytest.mark.parametrize(
    ("bound", "gaps", "outcome"),
    [
        (DIFFERENCE, [gap(0.09)], True),
        (DIFFERENCE, [gap(-0.11)], False),
        (DIFFERENCE, [gap(0.11, half_width=0.12)], True),
        (DIFFERENCE, [gap(0.11), gap(0.12, "in_service")], True),
        (DIFFERENCE, [gap(0.11), gap(0.10, "in_service")], False),
        (DIFFERENCE, [gap(None)], None),
        (DIFFERENCE, [], None),
        (RATIO, [gap(-0.05, ratio=0.75)], False),
        (RATIO, [gap(0.05, ratio=1.3)], False),
        (RATIO, [gap(0.05, ratio=1.2)], True),
    ],
)
def test_gaps_between_groups_are_bounded(bound, gaps, outcome):
    decision = judge(better(gaps=gaps), fairness=[bound])
    assert rule(decision, "fine_tuned: fair in true_positive_rate").outcome is outcome
    assert decision.push is (outcome is True)


def served(policy=(), **changes):
    policy = PushPolicy.model_validate({"serving": dict(policy)})
    return decide_push(
        policy, SPAN, PushEvidence({"fine_tuned": better()}, serving=serving(**changes))
    )


SLOW = Quantiles(p50=6.2, p90=9.0, p99=12.0)


@pytest.mark.parametrize(
    ("rule_", "policy", "changes", "outcome"),
    [
        ("serves", {}, {}, True),
        ("serves", {}, {"problem": "its process ended with -11"}, False),
        ("serves", {}, {"finite": False}, False),
        ("serves", {}, {"requests": 0}, False),
        ("serves", {}, {"outputs": {"scores": "float32 [1]"}}, False),
        ("same_inputs", {}, {"inputs": {"examples": "string", "fare": "int64"}}, False),
        ("same_inputs", {}, {"inputs": {"examples": "string"}}, False),
        ("latency_p99", {"max_latency_ms": 5}, {}, True),
        ("latency_p99", {"max_latency_ms": 4.9}, {}, False),
        ("latency_ratio", {}, {"latency_ms": SLOW}, False),
        ("latency_ratio", {"max_latency_ratio": 3.5}, {"latency_ms": SLOW}, True),
        ("size", {"max_size_mb": 1.9}, {}, False),
        ("size_ratio", {}, {"size_bytes": 6_100_000}, False),
        ("size_ratio", {}, {"size_bytes": 6_000_000}, True),
    ],
)
def test_a_candidate_must_serve_as_the_model_in_service_does(rule_, policy, changes, outcome):
    decision = served(policy, **changes)
    assert rule(decision, f"fine_tuned: {rule_}").outcome is outcome
    assert decision.push is outcome


def test_a_limit_that_is_switched_off_asks_nothing():
    off = {"max_latency_ratio": None, "max_size_ratio": None, "same_inputs": False}
    decision = served(off, latency_ms=SLOW, size_bytes=10**9, inputs={"examples": "string"})
    assert decision.push


def test_without_a_serving_report_nothing_is_pushed():
    policy = PushPolicy.model_validate({"serving": {}})
    decision = decide_push(policy, SPAN, PushEvidence({"fine_tuned": better()}))
    assert not decision.push
    assert "no serving report on fine_tuned" in decision.reasons[0]


def test_what_cannot_be_compared_with_the_model_in_service_is_not_taken_as_good():
    broken = serving().model_copy(
        update={"models": [serving_check("in_service", problem="gone"), serving_check()]}
    )
    policy = PushPolicy.model_validate({"serving": {}})
    decision = decide_push(policy, SPAN, PushEvidence({"fine_tuned": better()}, serving=broken))
    blind = {r.rule for r in decision.rules if r.outcome is None}
    untold = ("same_inputs", "latency_ratio", "size_ratio")
    assert blind == {f"fine_tuned: {name}" for name in untold}


def test_the_serving_report_is_part_of_the_evidence():
    assert set(served().evidence) == {"fine_tuned", "serving"}


OWED = [Erasure("/serving/1", 3, NOW)]


ROLL_BACKS = (
    ("candidates", "known", "chosen", "action"),
    [
        ({"previous": better()}, {}, "previous", "roll_back"),
        ({"previous": candidate(0.5, change(0.01))}, {}, None, "hold"),
        (
            {"previous": better(), "fine_tuned": candidate(0.4, change(-0.1))},
            {},
            "fine_tuned",
            "push",
        ),
        (
            {"previous": candidate(0.4, change(-0.1)), "fine_tuned": better()},
            {},
            "previous",
            "roll_back",
        ),
        ({"previous": better()}, {"previous_erasures": OWED}, None, "hold"),
        ({"previous": better()}, {"erasures": OWED}, "previous", "roll_back"),
        ({"previous": better()}, {"erasures": OWED, "previous_erasures": OWED}, None, "hold"),
    ],
)


@pytest.mark.parametrize(*ROLL_BACKS)
def test_a_roll_back_may_be_left_to_a_person(candidates, known, chosen, action):
    """The policy that does not allow it recommends it exactly where the other does it."""
    decision = decide_push(PushPolicy(roll_back=False), SPAN, PushEvidence(candidates, **known))
    recommended = action == "roll_back"
    others = [name for name in candidates if name != "previous"]
    assert decision.chosen == (next(iter(others), None) if recommended else chosen)
    assert ("tfx-vigil roll-back" in decision.next_step) is recommended
    if "previous" in candidates:
        assert rule(decision, "previous: may_be_put_back").outcome is False


@pytest.mark.parametrize(*ROLL_BACKS)
def test_the_model_of_before_comes_back_where_it_is_best(candidates, known, chosen, action):
    decision = decide_push(PushPolicy(), SPAN, PushEvidence(candidates, **known))
    assert (decision.chosen, decision.action) == (chosen, action)
    assert decision.push is (chosen is not None)


@pytest.mark.parametrize(
    ("policy", "old", "outcome"),
    [
        ({"max_forgetting": 0.02}, {"fine_tuned": candidate(0.5, change(0.05))}, False),
        ({"max_forgetting": 0.06}, {"fine_tuned": candidate(0.5, change(0.05))}, True),
        ({"max_forgetting": 0.02}, {"fine_tuned": candidate(0.5, change(0.05, 0.06))}, True),
        ({"max_forgetting": 0.02}, {"fine_tuned": candidate(0.5)}, None),
        ({"max_forgetting": 0.02}, {}, None),
        ({}, {"fine_tuned": candidate(0.5, change(0.05))}, True),
    ],
)
def test_what_a_candidate_may_forget(policy, old, outcome):
    decision = decide_push(
        PushPolicy(**policy), SPAN, PushEvidence({"fine_tuned": better()}, old=old)
    )
    assert decision.push is (outcome is True)
    if policy:
        assert rule(decision, "fine_tuned: remembers").outcome is outcome
    assert ("fine_tuned_old" in decision.evidence) is bool(old)
