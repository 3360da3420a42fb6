"""The outcome of rules that are put together, in three-valued logic.

Reference: Kleene, "Introduction to Metamathematics", 1952, paragraph 64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .decision import RuleOutcome
from .terms import Term

Rules = Callable[[Any], Iterator[RuleOutcome]]
"""The outcomes of the single rules that are switched on."""


def of_term(term: Term, rules: Rules) -> RuleOutcome:
    """What comes of ``term``; a single rule takes its name and comment."""
    if term.terms:
        found = together(term.needed, [of_term(part, rules) for part in term.terms])
    else:
        several = list(rules(term))
        found = several[0] if len(several) == 1 else together(_needed(several), several)
    named = {"rule": term.name or found.rule, "comment": term.comment}
    return found.model_copy(update=named)


def _needed(several: list[RuleOutcome]) -> int:
    """Any trigger is enough; guards must all hold."""
    return 1 if several[0].kind == "trigger" else len(several)


def together(needed: int, parts: list[RuleOutcome]) -> RuleOutcome:
    """Whether at least ``needed`` of ``parts`` hold; None where what is unknown decides."""
    holding = [part for part in parts if part.outcome]
    possible = [part for part in parts if part.outcome is not False]
    if len(holding) >= needed:
        outcome, telling = True, holding
    elif len(possible) >= needed:
        outcome, telling = None, [part for part in parts if part.outcome is None]
    else:
        outcome, telling = False, [part for part in parts if part.outcome is False]
    how = {1: "any", len(parts): "all"}.get(needed, f"at least {needed}")
    names = ", ".join(part.rule for part in parts)
    return RuleOutcome(
        rule=f"{how} of {names}",
        kind=parts[0].kind,
        inputs={"holding": len(holding), "needed": needed},
        comparison=f"{how} of {len(parts)} rules",
        outcome=outcome,
        reason="; ".join(part.reason for part in telling),
        parts=parts,
    )
