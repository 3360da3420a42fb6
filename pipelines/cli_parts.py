"""The five parts by hand, on files, without a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_drift import drift
from .cli_evaluate import evaluate
from .cli_ingest import ingest
from .cli_options import AsJson, VigilYaml
from .console import Cells, screen
from .yaml_file import ConfigError


def add_to(app: typer.Typer) -> None:
    """Adds the five commands to ``app``."""
    for command in (ingest, pseudonymize, drift, evaluate, gate):
        app.command(rich_help_panel="The parts by hand")(command)


def pseudonymize(
    data: Annotated[Path, typer.Option(help="Parquet, CSV, TFRecord, or Split-* folders.")],
    output: Annotated[Path, typer.Option("--output", "-o")],
    config: Annotated[Path, typer.Option("--config", "-c", help="A vigil.yaml.")] = Path(
        "vigil.yaml"
    ),
    as_json: AsJson = False,
) -> None:
    """Treat personal data in a file by the privacy policy of a vigil.yaml."""
    from ..beam_jobs import pseudonymize as job
    from .config import load_config

    loaded = load_config(config)
    report = job.run(
        loaded.privacy, str(data), str(output), loaded.beam_args, loaded.runtime.history_root
    )
    if as_json:
        print(report.model_dump_json(indent=1))
        return
    table = Cells("field", "method", "values")
    for field in report.fields:
        table.add_row(field.field, field.method, f"{field.values:,}")
    for finding in report.findings:
        table.add_row(
            finding.field, f"undeclared {finding.kind}: {finding.action}", f"{finding.values:,}"
        )
    screen.print(table)
    for rule in report.idle_rules:
        screen.print(f"{rule}: a rule about no field of the data", style="dim", markup=False)
    for risk in report.risk:
        screen.print(
            f"{risk.split}: k = {risk.k}, {risk.unique:.2%} of the rows unique in "
            f"{', '.join(risk.quasi_identifiers)}",
            markup=False,
        )
    screen.print(f"{report.rows_written:,} rows: {output}", markup=False)


def gate(
    span: Annotated[str, typer.Option(help="The span to decide about.")],
    history: Annotated[Path | None, typer.Option(help="A history, in place of --config.")] = None,
    config: VigilYaml = None,
    policy: Annotated[Path | None, typer.Option(help="YAML of another policy.")] = None,
    as_json: AsJson = False,
) -> None:
    """Decide about a recorded span again: the same evidence and policy, the same decision."""
    from ..components.history import History
    from ..components.retrain_gate.decide import decide_retrain
    from ..components.retrain_gate.decision import RetrainDecision
    from ..components.retrain_gate.evidence import read_past, read_reports
    from ..components.retrain_gate.policy import RetrainPolicy
    from ..components.retrain_gate.triggers import ON_DEMAND
    from . import yaml_file
    from .config import load_config

    if (history is None) == (config is None):
        raise ConfigError("gate: give --history or --config, one of the two")
    loaded = load_config(config) if config else None
    store = History(loaded.runtime.history_root if loaded else str(history))
    rules = loaded.retrain_gate if loaded else RetrainPolicy()
    if policy:
        rules = yaml_file.load(policy, RetrainPolicy)
    record = store.record(span)
    past = read_past(store, span, record.window_end)
    recorded = store.report(record, "decision", RetrainDecision)
    on_demand = any(rule.rule == ON_DEMAND for rule in recorded.rules)
    decision, _ = decide_retrain(rules, span, read_reports(store, record), past, on_demand)
    if as_json:
        print(decision.model_dump_json(indent=1))
        return
    table = Cells("rule", "kind", "comparison", "outcome", "reason")
    for rule in decision.rules:
        outcome = {True: "yes", False: "no", None: "cannot tell"}[rule.outcome]
        table.add_row(rule.rule, rule.kind, rule.comparison, outcome, rule.reason)
    screen.print(table)
    screen.print(f"{span}: {decision.action}; {decision.next_step}", markup=False)
