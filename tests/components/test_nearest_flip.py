"""What would have changed a decision."""

import pytest
from hypothesis import given
from tfx_vigil.components.retrain_gate.conclude import conclude
from tfx_vigil.components.retrain_gate.conditions import together
from tfx_vigil.components.retrain_gate.decide_push import decide_push
from tfx_vigil.components.retrain_gate.nearest import nearest_flip
from tfx_vigil.components.retrain_gate.push_evidence import PushEvidence
from tfx_vigil.components.retrain_gate.push_policy import PushPolicy

from .evidence import SPAN, candidate, change, drift, slices
from .gate_evidence import days_ago, decide, good, past
from .test_gate_properties import EVIDENCE, POLICIES, past_of, reports_of


def flipped(rule, turned):
    if rule.parts:
        parts = [flipped(part, turned) for part in rule.parts]
        outcome = together(rule.inputs["needed"], parts).outcome
        return rule.model_copy(update={"parts": parts, "outcome": outcome})
    named = {(found.rule, found.comparison) for found in turned}
    turns = (rule.rule, rule.comparison) in named
    return rule.model_copy(update={"outcome": not rule.outcome}) if turns else rule


@given(policy=POLICIES, evidence=EVIDENCE)
def test_the_rules_that_it_names_do_change_the_action(policy, evidence):
    decision = decide(policy, reports_of(evidence), past_of(evidence))
    flip = nearest_flip(decision)
    if flip is None:
        return
    rules = [flipped(rule, flip.rules) for rule in decision.rules]
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
        "Had the lower end of the interval of binary_crossentropy been above 0.52 instead of 0.51 "
        "(binary_crossentropy is 0.5200 [0.5100, 0.5300] on 2000 rows, it was 0.5000 when the "
        "model was put in service), a model would have been retrained."
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
    flip = nearest_flip(decide_push(PushPolicy(), SPAN, PushEvidence(candidates)))
    assert ([found.rule for found in flip.rules], flip.action) == ([rule], action)


def test_holding_back_is_said_of_what_is_held_back():
    scarce = {"guards": {"min_labelled_rows": 10**6}, "triggers": {"drift": None}}
    flip = nearest_flip(decide(scarce, good(slices=slices(0.525))))
    assert flip.action == "hold"
    assert str(flip).endswith("retraining would have been due, but held back.")
    pushed = decide_push(
        PushPolicy(), SPAN, PushEvidence({"fine_tuned": candidate(0.5, change(-0.05))})
    )
    assert str(nearest_flip(pushed)).endswith("the model in service would have stayed.")


def test_a_decision_without_rules_turns_on_nothing():
    assert nearest_flip(decide().model_copy(update={"rules": []})) is None


def test_of_rules_put_together_the_single_ones_are_named():
    hurts = {"all": [{"drift": {"severity": "watch"}}, {"max_age_days": 101}]}
    triggers = {"drift": None, "metric_drop": None, "promise": None, "erasure": None}
    policy = {"triggers": triggers | {"combined": [hurts]}}
    decision = decide(policy, good(drift=drift("watch")), past(in_service_since=days_ago(100)))
    flip = nearest_flip(decision)
    assert ([rule.rule for rule in flip.rules], flip.action) == (["max_age"], "retrain")


def test_what_is_put_back_turns_on_its_own_requirements_only():
    better = candidate(0.5, change(-0.005))
    candidates = {"previous": better, "from_scratch": candidate(0.5, change(0.05))}
    flip = nearest_flip(decide_push(PushPolicy(), SPAN, PushEvidence(candidates)))
    assert {rule.rule.split(":")[0] for rule in flip.rules} == {"previous"}


def test_a_roll_back_left_to_a_person_turns_on_that():
    known = PushEvidence({"previous": candidate(0.5, change(-0.05))})
    flip = nearest_flip(decide_push(PushPolicy(roll_back=False), SPAN, known))
    assert [rule.rule for rule in flip.rules] == ["previous: may_be_put_back"]
    assert flip.action == "roll_back"


def test_a_record_whose_rules_do_not_lead_to_its_action_turns_on_nothing():
    old = decide(reports=good(slices=slices(0.9))).model_copy(deep=True)
    rules = [rule.model_copy(update={"then": None}) for rule in old.rules]
    assert nearest_flip(old.model_copy(update={"rules": rules})) is None
