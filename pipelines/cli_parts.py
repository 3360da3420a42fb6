"""The five parts by hand, on files, without a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_drift import drift
from .cli_evaluate import evaluate
from .cli_gate import gate
from .cli_ingest import ingest
from .cli_options import AsJson
from .console import Cells, screen


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
