"""What would have changed a decision."""

import pytest
from hypothesis import given
from tfx_vigil.components.retrain_gate.conclude import conclude
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.nearest import nearest_flip
from tfx_vigil.components.retrain_gate.push_policy import PushPolicy

from .evidence import SPAN, candidate, change, drift, slices
from .gate_evidence import days_ago, decide, good, past
from .test_gate_properties import EVIDENCE, POLICIES, past_of, reports_of


@given(policy=POLICIES, evidence=EVIDENCE)
def test_the_rules_that_it_names_do_change_the_action(policy, evidence):
    decision = decide(policy, reports_of(evidence), past_of(evidence))
    flip = nearest_flip(decision)
    if flip is None:
        return
    rules = [
        rule.model_copy(update={"outcome": not rule.outcome}) if rule in flip.rules else rule
        for rule in decision.rules
    ]
    kinds = [[rule for rule in rules if rule.kind == kind] for kind in ("trigger", "guard")]
    assert conclude(*kinds) == flip.action != decision.action
    assert str(flip).startswith("Had ")


AGE = {"drift": None, "promise": None, "erasure": None, "max_age_days": 101}


@pytest.mark.parametrize(
    ("loss", "triggers", "nearest"),
    [
        (0.53, AGE, "metric_drop"),
        (0.40, AGE, "max_age"),
    ],
)
def test_of_several_rules_it_is_the_nearest(loss, triggers, nearest):
    before = past(in_service_since=days_ago(100))
    flip = nearest_flip(decide({"triggers": triggers}, good(slices=slices(loss)), before))
    assert [rule.rule for rule in flip.rules] == [nearest]
    assert flip.action == "retrain"


def test_it_says_so_in_a_sentence():
    only = {"drift": None, "promise": None, "erasure": None}
    flip = nearest_flip(decide({"triggers": only}, good(slices=slices(0.52))))
    assert str(flip) == (
        "Had what “metric_drop” looks at (worse than when put in service by more than 0.02, "
        "interval and all) been above 0.52 instead of 0.51, a model would have been retrained."
    )


def test_a_guard_that_holds_back_is_what_flips():
    reports = good(drift=drift("act", errors=1))
    flip = nearest_flip(decide({}, reports))
    assert [rule.rule for rule in flip.rules] == ["sound_data"]
    assert flip.action == "retrain"


def test_two_rules_are_named_where_one_is_not_enough():
    policy = {"triggers": {"drift": {"severity": "act"}, "promise": None, "erasure": None}}
    reports = good(drift=drift("act", errors=1), slices=slices(0.9))
    decision = decide(policy, reports, past(has_model=False))
    flip = nearest_flip(decision)
    assert decision.action == "hold"
    assert [rule.rule for rule in flip.rules] == ["drift", "metric_drop"]
    assert flip.action == "watch"


@pytest.mark.parametrize(
    ("candidates", "rule", "action"),
    [
        ({"fine_tuned": candidate(0.5, change(-0.05))}, "fine_tuned: enough_rows", "hold"),
        ({"fine_tuned": candidate(0.5, change(-0.005))}, "fine_tuned: better_overall", "push"),
        ({"previous": candidate(0.5, change(-0.005))}, "previous: better_overall", "roll_back"),
        (
            {
                "from_scratch": candidate(0.5, change(-0.005)),
                "fine_tuned": candidate(0.5, change(0.05)),
            },
            "from_scratch: better_overall",
            "push",
        ),
    ],
)
def test_a_push_turns_on_its_nearest_requirement(candidates, rule, action):
    flip = nearest_flip(decide_push(PushPolicy(), SPAN, candidates))
    assert ([found.rule for found in flip.rules], flip.action) == ([rule], action)


def test_a_decision_without_rules_turns_on_nothing():
    assert nearest_flip(decide().model_copy(update={"rules": []})) is None
