"""Rules put together: any, all, n_of; named and commented."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.components.retrain_gate.conditions import together
from tfx_vigil.components.retrain_gate.decision import concluded, unknown
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy
from tfx_vigil.pipelines import yaml_file

from .evidence import drift, ingest, slices
from .gate_evidence import days_ago, decide, good, past, rule

OUTCOMES = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=5)


def outcome(i, value):
    if value is None:
        return unknown("trigger", str(i), "", "nothing")
    return concluded("trigger", str(i), {}, "", value, "")


@given(outcomes=OUTCOMES, needed=st.integers(1, 5))
def test_what_is_unknown_decides_only_where_it_could_go_either_way(outcomes, needed):
    needed = min(needed, len(outcomes))
    found = together(needed, [outcome(i, value) for i, value in enumerate(outcomes)])
    completions = itertools.product(*[[True, False] if o is None else [o] for o in outcomes])
    could_be = {sum(each) >= needed for each in completions}
    assert found.outcome is (could_be.pop() if len(could_be) == 1 else None)


POLICY = """
triggers:
  drift: null
  metric_drop: null
  combined:
    - name: drift that hurts
      comment: Drift alone costs us a day of training for nothing.
      all:
        - drift: {severity: watch}
        - any:
            - metric_drop: {margin: 0.01}
            - max_age_days: 365
    - name: two of three
      n_of: 2
      of:
        - max_age_days: 90
        - new_labelled_rows: 9000
        - drift: {severity: act}
      then: call_human
guards:
  combined:
    - name: enough of either
      any:
        - min_labelled_rows: 100000
        - min_slice_rows: {company=Blue: 100}
"""


@pytest.fixture
def policy(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return yaml_file.load(path, RetrainPolicy)


@pytest.mark.parametrize(
    ("severity", "loss", "days", "hurts", "two", "action"),
    [
        ("none", 0.5, 50, False, False, "none"),
        ("watch", 0.5, 50, False, False, "watch"),
        ("watch", 0.6, 50, True, False, "hold"),
        ("act", 0.5, 100, False, True, "call_human"),
        ("none", 0.6, 100, False, False, "none"),
    ],
)
def test_rules_are_put_together(policy, severity, loss, days, hurts, two, action):
    before = past(in_service_since=days_ago(days))
    reports = good(drift=drift(severity), slices=slices(loss))
    decision = decide(policy, reports, before)
    assert rule(decision, "drift that hurts").outcome is hurts
    assert rule(decision, "two of three").outcome is two
    assert decision.action == action


def test_a_combination_tells_its_parts_its_comment_and_what_decided(policy):
    decision = decide(policy, good(drift=drift("watch"), slices=slices(0.6)))
    found = rule(decision, "drift that hurts")
    assert found.comment == "Drift alone costs us a day of training for nothing."
    assert [part.rule for part in found.parts] == ["drift", "any of metric_drop, max_age"]
    assert "binary_crossentropy is 0.6000" in found.reason
    assert "in service for" not in found.reason


def test_a_single_rule_can_be_named_and_commented():
    term = {"name": "ops", "comment": "contract", "max_age_days": 9}
    found = rule(decide({"triggers": {"combined": [term]}}), "ops")
    assert (found.outcome, found.comment, found.then) == (True, "contract", "retrain")


def test_missing_evidence_is_no_consent(policy):
    decision = decide(policy, good(drift=None, slices=slices(0.6)), past())
    assert rule(decision, "drift that hurts").outcome is None
    assert decision.action == "watch"
    guard = {"combined": [{"any": [{"block_on_data_errors": True}]}], "block_on_data_errors": False}
    blind = decide({"guards": guard}, good(drift=None, ingest=ingest()), past(), on_demand=True)
    assert blind.action == "hold"


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        ("- name: empty", "found nothing"),
        ("- {max_age_days: 3, new_labelled_rows: 5}", "found new_labelled_rows, max_age_days"),
        ("- {any: [{max_age_days: 3}], max_age_days: 3}", "found any, max_age_days"),
        ("- {n_of: 2, of: [{max_age_days: 3}]}", "n_of is 2, but there are only 1 terms in of"),
        ("- {n_of: 2}", "n_of and of go together"),
        ("- any: [{max_age_day: 3}]", "unknown key"),
        ("- any: []", "at least 1 item"),
    ],
)
def test_a_term_says_one_thing(tmp_path, yaml, problem):
    path = Path(tmp_path, "policy.yaml")
    path.write_text(f"triggers:\n  combined:\n    {yaml}\n")
    with pytest.raises(yaml_file.ConfigError) as error:
        yaml_file.load(path, RetrainPolicy)
    assert problem in str(error.value)
    assert "policy.yaml:3" in str(error.value)
