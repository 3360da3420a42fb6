"""Decisions about recorded spans, made again by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from .cli_options import AsJson, VigilYaml
from .console import Cells, screen
from .yaml_file import ConfigError

if TYPE_CHECKING:
    from ..components.history import History
    from ..components.retrain_gate.decision import RetrainDecision, RuleOutcome, TrainingPlan
    from ..components.retrain_gate.replay import Replayed

_OUTCOMES = {True: "yes", False: "no", None: "cannot tell"}
_KINDS = {
    "trigger": "Retrain if any of these asks for it",
    "guard": "and all of these allow it",
}
_RETRAINS = ("retrain", "retrain_urgently")


def gate(
    replay: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Decide about this recorded span again.")
    ] = None,
    backtest: Annotated[
        Path | None,
        typer.Option(metavar="POLICY", help="Decide about all spans by this policy (YAML)."),
    ] = None,
    history: Annotated[Path | None, typer.Option(help="A history, in place of --config.")] = None,
    config: VigilYaml = None,
    policy: Annotated[
        Path | None, typer.Option(help="YAML of another policy than was in force.")
    ] = None,
    explain: Annotated[bool, typer.Option(help="Show the decision as a tree.")] = False,
    as_json: AsJson = False,
    approve: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Approve of what was decided about it.")
    ] = None,
    refuse: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Forbid to retrain at its end.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who approves or refuses.")] = None,
    comment: Annotated[str, typer.Option(help="Why; kept with the decision.")] = "",
) -> None:
    """Decide about recorded spans again: the same evidence and policy, the same decision.

    Or say what you think of a decision; it counts when the span is run again.

    Example: tfx-vigil gate --history history --replay 2026-01-31 --explain
    """
    from ..components.history import History
    from ..components.retrain_gate import replay as decisions
    from ..components.retrain_gate.decision import TrainingPlan
    from ..components.retrain_gate.nearest import nearest_flip
    from ..components.retrain_gate.policy import RetrainPolicy
    from . import yaml_file
    from .config import load_config

    if (history is None) == (config is None):
        raise ConfigError("gate: give --history or --config, one of the two")
    if sum(way is not None for way in (replay, backtest, approve, refuse)) != 1:
        raise ConfigError(
            "gate: give one of --replay SPAN, --backtest POLICY, --approve SPAN, --refuse SPAN"
        )
    if backtest and (policy or explain):
        raise ConfigError("gate: --policy and --explain go with --replay")
    store = History(load_config(config).runtime.history_root if config else str(history))
    if approve or refuse:
        _rule(store, approve or refuse, bool(approve), by, comment)
        return
    if backtest:
        spans = list(decisions.backtest(store, yaml_file.load(backtest, RetrainPolicy)))
        if as_json:
            told = {"summary": _summary(spans), "spans": [asdict(span) for span in spans]}
            print(json.dumps(told, indent=1))
        else:
            _show_backtest(spans)
        return
    other = yaml_file.load(policy, RetrainPolicy) if policy else None
    decision = decisions.replay(store, replay, other)
    if as_json:
        print(decision.model_dump_json(indent=1))
        return
    plan = store.report(store.record(replay), "plan", TrainingPlan)
    planned = plan if plan and decision.retrain and not other else None
    screen.print(_tree(decision, planned) if explain else _table(decision))
    screen.print(f"{replay}: {decision.action}; {decision.next_step}", markup=False)
    if flip := nearest_flip(decision):
        screen.print(str(flip), markup=False)
    recorded = decisions.recorded_decision(store, store.record(replay))
    if recorded.action != decision.action:
        screen.print(f"Recorded was: {recorded.action}", style="bold yellow", markup=False)


def _rule(history: History, span: str, approves: bool, by: str | None, comment: str) -> None:
    from ..components.history import Ruling
    from ..components.retrain_gate.replay import recorded_decision

    if not by:
        raise ConfigError("gate: say --by whom it is approved or refused")
    decision = recorded_decision(history, history.record(span))
    history.write_ruling(
        Ruling(
            span=span,
            approve=approves,
            by=by,
            time=datetime.now(timezone.utc),
            comment=comment,
            evidence=decision.evidence,
        )
    )
    screen.print(
        f"{span}: {decision.action} is {'approved of' if approves else 'refused'} by {by}; "
        f"run the span again: tfx-vigil run --span {span}",
        markup=False,
    )


def _table(decision: RetrainDecision) -> Cells:
    table = Cells("rule", "kind", "comparison", "outcome", "reason")
    for rule in decision.rules:
        outcome = _OUTCOMES[rule.outcome]
        table.add_row(rule.rule, rule.kind, rule.comparison, outcome, rule.reason)
    return table


def _tree(decision: RetrainDecision, plan: TrainingPlan | None) -> Tree:
    root = Tree(Text(f"{decision.span}: {decision.action}", style="bold"))
    for kind, title in _KINDS.items():
        branch = root.add(title)
        for rule in decision.rules:
            if rule.kind == kind:
                _add(branch, rule)
    if plan:
        branch = root.add(f"To learn from, beside {plan.span} ({plan.strategy})")
        for use in plan.uses:
            how = f"weighs {use.weight:g}" if use.use == "down_weight" else use.use
            leaf = branch.add(Text(f"{use.span}, {use.rows} labelled rows: {how}"))
            leaf.add(Text(use.reason, style="dim"))
    evidence = root.add("Evidence (SHA-256)")
    for name, digest in decision.evidence.items():
        evidence.add(Text(f"{name}: {digest}", style="dim"))
    return root


def _add(branch: Tree, rule: RuleOutcome) -> None:
    then = f", then {rule.then.replace('_', ' ')}" if rule.then else ""
    leaf = branch.add(Text(f"{_OUTCOMES[rule.outcome]}: {rule.rule}{then}"))
    if rule.comment:
        leaf.add(Text(rule.comment, style="italic"))
    leaf.add(Text(f"asks: {rule.comparison}", style="dim"))
    leaf.add(Text(f"found: {rule.reason}", style="dim"))
    for part in rule.parts:
        _add(leaf, part)


def _summary(spans: Sequence[Replayed]) -> dict[str, dict[str, float]]:
    """Retrainings, pushes and days out of bounds on which nothing was done, of both policies."""
    return {
        "in_force": _counts(spans, "action", "push"),
        "backtested": _counts(spans, "other_action", "other_push"),
    }


def _counts(spans: Sequence[Replayed], action: str, push: str) -> dict[str, float]:
    actions = [getattr(span, action) for span in spans]
    pushes = [getattr(span, push) for span in spans]
    ignored = [
        span.days
        for span, done in zip(spans, actions, strict=True)
        if span.out_of_bounds and done not in _RETRAINS
    ]
    return {
        "spans": len(spans),
        "retrained": sum(action in _RETRAINS for action in actions),
        "held": actions.count("hold"),
        "called_human": actions.count("call_human"),
        "pushed": sum(p not in (None, "unknown") for p in pushes),
        "pushes_unknown": pushes.count("unknown"),
        "days_out_of_bounds_unanswered": sum(ignored),
    }


def _show_backtest(spans: Sequence[Replayed]) -> None:
    table = Cells("span", "in force", "pushed", "backtested", "would push", "out of bounds")
    for span in spans:
        bounds = {True: "yes", False: "", None: "-"}[span.out_of_bounds]
        actions = span.action, span.push or "", span.other_action, span.other_push or ""
        style = "bold" if span.action != span.other_action else None
        table.add_row(span.span, *actions, bounds, style=style)
    screen.print(table)
    summary = _summary(spans)
    table = Cells("", "in force", "backtested")
    for name in summary["in_force"]:
        numbers = (f"{summary[which][name]:g}" for which in ("in_force", "backtested"))
        table.add_row(name.replace("_", " "), *numbers)
    screen.print(table)
    screen.print(
        "The evidence is that of the models that served: what the backtested policy's own models "
        "would have shown is not known.",
        style="dim",
    )
