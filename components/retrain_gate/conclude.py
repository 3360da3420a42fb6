"""What is to be done, given what came of each trigger and guard."""

from __future__ import annotations

from collections.abc import Sequence

from .decision import RETRAINS, Action, RuleOutcome

APPROVAL = "approval"


def conclude(wanted: Sequence[RuleOutcome], allowed: Sequence[RuleOutcome]) -> Action:
    """The most that any trigger asks for, if no guard forbids it.

    A person is called where a trigger asks for one, where approval alone is missing, and where
    what is urgent is forbidden. Worse evidence never leads to less.
    """
    asked = {rule.then for rule in wanted if rule.outcome}
    if "call_human" in asked:
        return "call_human"
    for action in reversed(RETRAINS):
        if action in asked:
            forbidding = forbids(action, allowed)
            if not forbidding:
                return action
            urgent = action == "retrain_urgently"
            only_approval = all(rule.rule == APPROVAL for rule in forbidding)
            return "call_human" if urgent or only_approval else "hold"
    blind = any(rule.outcome is None for rule in wanted)
    return "watch" if blind or "watch" in asked else "none"


def forbids(action: Action, allowed: Sequence[RuleOutcome]) -> list[RuleOutcome]:
    """The guards that forbid ``action``; one without evidence does."""
    return [
        rule
        for rule in allowed
        if not rule.outcome and not (rule.yields and action == "retrain_urgently")
    ]
