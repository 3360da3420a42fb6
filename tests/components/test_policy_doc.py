"""What docs/policy.md shows is what the policy takes and does."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from tfx_vigil.components.retrain_gate.decision import Action
from tfx_vigil.components.retrain_gate.guard_policy import GuardRules
from tfx_vigil.components.retrain_gate.policy import RetrainPolicy
from tfx_vigil.components.retrain_gate.push_policy import PushPolicy
from tfx_vigil.components.retrain_gate.training_policy import Strategy
from tfx_vigil.components.retrain_gate.trigger_policy import TriggerRules

TEXT = (Path(__file__).parents[2] / "docs" / "policy.md").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


def first_cells(heading):
    lines = TEXT[TEXT.index(f"| {heading} |") :].splitlines()[2:]
    return [line.split("|")[1].strip(" `") for line in lines[: lines.index("")]]


def test_what_holds_without_a_policy_is_what_the_page_says():
    told = yaml.safe_load(BLOCKS[0])["policy"]
    assert RetrainPolicy.model_validate(told) == RetrainPolicy()
    given = RetrainPolicy().model_dump(exclude_defaults=False)
    for part, rules in told.items():
        on = {rule for rule, value in given[part].items() if value not in (None, [], {}, False)}
        assert on == set(rules)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_policy_loads(block):
    RetrainPolicy.model_validate(yaml.safe_load(block)["policy"])


@pytest.mark.parametrize(
    ("heading", "known"),
    [
        ("trigger", list(TriggerRules.model_fields)),
        ("guard", list(GuardRules.model_fields)),
        ("action", list(get_args(Action))),
        ("strategy", list(get_args(Strategy))),
    ],
)
def test_every_rule_and_every_action_has_its_line(heading, known):
    assert sorted(first_cells(heading)) == sorted(known)


def test_every_part_of_the_push_has_its_line():
    assert {*first_cells("requirement")} >= {*PushPolicy.model_fields}
