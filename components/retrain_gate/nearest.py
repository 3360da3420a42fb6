"""What would have changed a decision: the rule nearest to another outcome that flips it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from ..history import PREVIOUS
from .conclude import conclude
from .conditions import together
from .decision import Action, RetrainDecision, RuleOutcome

Path = tuple[int, ...]
_MOST_RULES = 2
_DONE: dict[str, str] = {
    "none": "nothing would have been done",
    "watch": "it would only have been watched",
    "hold": "retraining would have been due, but held back",
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
        done = _DONE[self.action]
        if self.action == "hold" and self.rules[0].kind == "requirement":
            done = "the model in service would have stayed"
        return f"Had {' and '.join(map(_otherwise, self.rules))}, {done}."


def nearest_flip(decision: RetrainDecision) -> Flip | None:
    """The fewest rules, at most two, that alone change the action; of several the nearest.

    Of rules that are put together the single ones within are told. Near is a number that lies few
    half-intervals from its bound or, without an interval, a small share of it; rules without
    numbers come last. None where nothing small changes the action, and for records of earlier
    versions whose rules do not lead to their action.
    """
    if _action(decision, decision.rules) != decision.action:
        return None
    for size in range(1, _MOST_RULES + 1):
        flips = list(_flips(decision, size))
        if flips:
            return min(flips, key=_farness)
    return None


def _flips(decision: RetrainDecision, size: int) -> Iterator[Flip]:
    places: dict[tuple[str, str, str], list[Path]] = {}
    single: dict[tuple[str, str, str], RuleOutcome] = {}
    for path, rule in _single_rules(decision.rules):
        same = rule.kind, rule.rule, rule.comparison
        places.setdefault(same, []).append(path)
        single[same] = rule
    for several in combinations(places, size):
        rules = decision.rules
        for path in (path for same in several for path in places[same]):
            rules = _flipped(rules, path)
        action = _action(decision, rules)
        if action != decision.action:
            yield Flip(tuple(single[same] for same in several), action)


def _single_rules(
    rules: Sequence[RuleOutcome], above: Path = ()
) -> Iterator[tuple[Path, RuleOutcome]]:
    for place, rule in enumerate(rules):
        if rule.parts:
            yield from _single_rules(rule.parts, (*above, place))
        else:
            yield (*above, place), rule


def _flipped(rules: Sequence[RuleOutcome], path: Path) -> list[RuleOutcome]:
    """``rules`` with the one at ``path`` the other way round, and what follows above it."""
    place, *within = path
    rule = rules[place]
    if within:
        parts = _flipped(rule.parts, tuple(within))
        outcome = together(rule.inputs["needed"], parts).outcome
        rule = rule.model_copy(update={"parts": parts, "outcome": outcome})
    else:
        rule = rule.model_copy(update={"outcome": not rule.outcome})
    return [*rules[:place], rule, *rules[place + 1 :]]


def _action(decision: RetrainDecision, rules: Sequence[RuleOutcome]) -> Action:
    if any(rule.kind == "requirement" for rule in rules):
        return _push_action(decision, rules)
    kinds = {kind: [rule for rule in rules if rule.kind == kind] for kind in ("trigger", "guard")}
    return conclude(kinds["trigger"], kinds["guard"])


def _push_action(decision: RetrainDecision, rules: Sequence[RuleOutcome]) -> Action:
    """As before where the chosen one still may be pushed, or where it remains open which is best:
    the rules do not rank candidates."""
    outcomes: dict[str, list[bool | None]] = {}
    for rule in rules:
        outcomes.setdefault(rule.rule.split(":")[0], []).append(rule.outcome)
    fit = [name for name, found in outcomes.items() if all(found)]
    if not fit:
        return "hold"
    if decision.chosen in fit or (PREVIOUS in fit and len(fit) > 1):
        return decision.action
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
    if rule.value == rule.threshold:
        return f"{_number(rule)} been past {rule.threshold:.4g}, where it is ({rule.reason})"
    side = "above" if rule.value < rule.threshold else "below"
    return (
        f"{_number(rule)} been {side} {rule.threshold:.4g} instead of {rule.value:.4g} "
        f"({rule.reason})"
    )


def _number(rule: RuleOutcome) -> str:
    """What the number is that decided."""
    ends = {rule.inputs.get(end): end for end in ("lower", "upper")}
    if "metric" in rule.inputs and rule.value in ends:
        return f"the {ends[rule.value]} end of the interval of {rule.inputs['metric']}"
    return f"the number that “{rule.rule}” looks at"
