"""What would have changed a decision: the rule nearest to another outcome that flips it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..history import PREVIOUS
from .conclude import conclude
from .decision import Action, RetrainDecision, RuleOutcome

_MOST_RULES = 2
_DONE: dict[str, str] = {
    "none": "nothing would have been done",
    "watch": "it would only have been watched",
    "hold": "it would have been held",
    "retrain": "a model would have been retrained",
    "retrain_urgently": "a model would have been retrained at once",
    "call_human": "a person would have been called",
    "push": "a candidate would have been pushed",
    "roll_back": "the model of before would have been put back",
}


@dataclass(frozen=True)
class Flip:
    """Had ``rules`` come out the other way, ``action`` would have been taken."""

    rules: tuple[RuleOutcome, ...]
    action: Action

    def __str__(self) -> str:
        return f"Had {' and '.join(map(_otherwise, self.rules))}, {_DONE[self.action]}."


def nearest_flip(decision: RetrainDecision) -> Flip | None:
    """The fewest rules, at most two, that alone change the action; of several the nearest.

    Near is a number that lies few half-intervals from its bound or, without an interval, a small
    share of it. Rules without numbers come last.
    """
    for size in range(1, _MOST_RULES + 1):
        flips = list(_flips(decision, size))
        if flips:
            return min(flips, key=_farness)
    return None


def _flips(decision: RetrainDecision, size: int) -> Iterator[Flip]:
    for places in combinations(range(len(decision.rules)), size):
        rules = list(decision.rules)
        for place in places:
            rules[place] = rules[place].model_copy(update={"outcome": not rules[place].outcome})
        action = _action(rules)
        if action != decision.action:
            yield Flip(tuple(decision.rules[place] for place in places), action)


def _action(rules: Sequence[RuleOutcome]) -> Action:
    if any(rule.kind == "requirement" for rule in rules):
        return _push_action(rules)
    kinds = {kind: [rule for rule in rules if rule.kind == kind] for kind in ("trigger", "guard")}
    return conclude(kinds["trigger"], kinds["guard"])


def _push_action(rules: Sequence[RuleOutcome]) -> Action:
    """Which of several candidates that may be pushed is the best the rules do not say."""
    outcomes: dict[str, list[bool | None]] = {}
    for rule in rules:
        outcomes.setdefault(rule.rule.split(":")[0], []).append(rule.outcome)
    fit = [name for name, found in outcomes.items() if all(found)]
    if not fit:
        return "hold"
    return "roll_back" if fit == [PREVIOUS] else "push"


def _farness(flip: Flip) -> tuple[float, int]:
    """Of two equally near, what leads to more comes first."""
    return sum(map(_distance, flip.rules)), -list(_DONE).index(flip.action)


def _distance(rule: RuleOutcome) -> float:
    if rule.value is None or rule.threshold is None:
        return 1e6
    lower, upper = rule.inputs.get("lower"), rule.inputs.get("upper")
    half = (upper - lower) / 2 if lower is not None and upper is not None else 0
    scale = half or abs(rule.threshold) or 1.0
    distance = abs(rule.value - rule.threshold) / scale
    return distance if math.isfinite(distance) else 1e6


def _otherwise(rule: RuleOutcome) -> str:
    if rule.outcome is None:
        fires = "asked for it" if rule.kind == "trigger" else "been met"
        return f"“{rule.rule}” been known and {fires}"
    if rule.value is None or rule.threshold is None:
        return f"“{rule.rule}” come out the other way ({rule.reason})"
    side = "above" if rule.value <= rule.threshold else "below"
    return (
        f"what “{rule.rule}” looks at ({rule.comparison}) been {side} {rule.threshold:.4g} "
        f"instead of {rule.value:.4g}"
    )
