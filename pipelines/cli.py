"""The command line of the pipeline: ``tfx-vigil demo | init | run | report``."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box

from . import cli_parts
from .cli_keys import keys, made
from .cli_options import AsJson
from .cli_subject import subject
from .console import Cells, Exit, errors, number, progress_line, screen
from .quiet import quiet
from .yaml_file import ConfigError

if TYPE_CHECKING:
    from ..components.history import SpanRecord
    from .demo.demo import Outcome

_TOLD = 3

app = typer.Typer(
    help="Keeps a deployed model honest: drift, quality, privacy, and the decision to retrain.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli_parts.add_to(app)
app.add_typer(keys, name="keys", help="Keysets of the pseudonyms.")
app.add_typer(subject, name="subject", help="Rights of the people in the logs.")

Config = Annotated[Path, typer.Option("--config", "-c", help="The vigil.yaml.")]
_VIGIL_YAML = Path("vigil.yaml")


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show every log line.")] = False,
) -> None:
    if not verbose and {"-h", "--help"}.isdisjoint(sys.argv):
        quiet()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to work in.")] = Path("out/demo"),
    spans: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Watch a model of 2013 go stale on real taxi trips, and what tfx-vigil does about it."""
    from .demo.demo import run_demo

    outcomes = []
    with progress_line() as progress:
        for outcome in run_demo(out.resolve(), spans, progress):
            outcomes.append(outcome)
            if not as_json:
                screen.print(f"{outcome.span}: {outcome.action}", style="bold", markup=False)
                for reason in outcome.reasons:
                    screen.print(f"  - {reason}", markup=False)
    if as_json:
        print((out / "decisions.json").read_text())
        return
    screen.print(_demo_table(outcomes))
    screen.print(made(str(out / "keys" / "keyset.json")), markup=False)
    screen.print(f"Report: {out / 'report.html'}   Decisions: {out / 'decisions.json'}")


@app.command()
def init(config: Config = _VIGIL_YAML) -> None:
    """Start the history from the training data and the model in service."""
    from ..beam_jobs import keysets
    from .config import load_config
    from .initialise import initialise

    loaded = load_config(config)
    if loaded.privacy.needs_key and keysets.create_if_missing(loaded.privacy.keyset):
        screen.print(made(loaded.privacy.keyset), markup=False)
    with progress_line() as progress:
        progress("reading the training data")
        record = initialise(loaded)
    model = f"model {record.model}" if record.model else "no model in service"
    screen.print(f"{loaded.runtime.history_root}: {record.rows} training rows, {model}")


@app.command()
def run(
    config: Config = _VIGIL_YAML,
    span: Annotated[str | None, typer.Option(help="This span, also again; default: next.")] = None,
    retrain: Annotated[bool, typer.Option(help="Ask for retraining; guards apply.")] = False,
    fail_on_drift: Annotated[bool, typer.Option(help="Exit with 3 where drift is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run the next span, if it has ended and has logs."""
    from ..beam_jobs.ingest_logs import NoLogs
    from ..components.history import History
    from ..components.spans import next_window
    from .config import load_config
    from .run import run_span

    loaded = load_config(config)
    history = History(loaded.runtime.history_root)
    try:
        window = loaded.spans.window_of(span) if span else None
    except ValueError as error:
        raise ConfigError(f"--span: {error}") from error
    now = datetime.now(timezone.utc)
    window = window or next_window(history.all_records(), loaded.spans, now)
    if window is None:
        _nothing_new("the next span has not ended yet", as_json)
        return
    try:
        with progress_line() as progress:
            progress(f"{window.span}: starting")
            record = run_span(loaded, window, retrain, progress)
    except NoLogs as error:
        _nothing_new(str(error), as_json)
        return
    drift = _show_span(history, record, as_json)
    if fail_on_drift and drift:
        raise typer.Exit(Exit.DRIFT)


@app.command()
def report(
    config: Annotated[Path | None, typer.Option("--config", "-c", help="The vigil.yaml.")] = None,
    history: Annotated[Path | None, typer.Option(help="A history, in place of --config.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o")] = Path("report.html"),
) -> None:
    """Write the report on a history: one HTML file that needs no network."""
    from .config import load_config
    from .report import write_report_page

    if history is not None and not history.is_dir():
        raise ConfigError(f"--history: {history} is no folder")
    title = history.name if history else ""
    if history is None:
        loaded = load_config(config or _VIGIL_YAML)
        history, title = loaded.runtime.history_root, loaded.model.name
    write_report_page(str(history), str(output), title=title)
    screen.print(f"Report: {output}")


@app.command("roll-back")
def roll_back(
    by: Annotated[str, typer.Option(help="Who wants it; kept in the history.")],
    config: Config = _VIGIL_YAML,
    comment: Annotated[str, typer.Option(help="Why; kept in the history.")] = "",
) -> None:
    """Put the model back in service that served before."""
    from .config import load_config
    from .roll_back import roll_back

    replaced, push = roll_back(load_config(config), by, comment)
    screen.print(f"Out of service: {replaced.model}", markup=False, soft_wrap=True)
    screen.print(
        f"In service: {push.model}, the model of {push.restores}", markup=False, soft_wrap=True
    )


def main() -> None:
    """Entry point; every failure ends in one message and the exit code that fits it."""
    verbose = "-v" in sys.argv or "--verbose" in sys.argv
    try:
        app()
    except ConfigError as error:
        errors.print(str(error), style="red", markup=False, soft_wrap=True)
        sys.exit(Exit.USAGE)
    except Exception as error:
        if verbose:
            raise
        errors.print(f"{error or type(error).__name__}", style="red", markup=False, soft_wrap=True)
        errors.print("(tfx-vigil -v shows where)", style="dim")
        sys.exit(Exit.FAILED)


def _nothing_new(why: str, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"span": None, "reason": why}))
    else:
        screen.print(f"No new data: {why}", markup=False)


def _show_span(history, record: SpanRecord, as_json: bool) -> bool:
    """Prints the decision about the span; returns whether it has drift."""
    from ..beam_jobs.reports import DriftReport
    from ..components.retrain_gate.decision import RetrainDecision

    decision = history.report(record, "decision", RetrainDecision)
    push = history.report(record, "push", RetrainDecision)
    drift = history.report(record, "drift", DriftReport)
    reasons = decision.reasons + (push.reasons if push else [])
    next_step = (push or decision).next_step
    if as_json:
        content = {
            "span": record.span,
            "action": record.action,
            "reasons": reasons,
            "next_step": next_step,
            "drift": drift.drift,
            "drifted_features": drift.drifted_features,
            "pushed_model": record.push and record.push.model,
        }
        print(json.dumps(content))
        return drift.drift
    screen.print(f"{record.span}: {record.action}", style="bold", markup=False)
    for reason in reasons:
        screen.print(f"  - {reason}", markup=False)
    screen.print(f"  next: {next_step}", markup=False)
    return drift.drift


def _drifted(features: list[str]) -> str:
    """Single features first, then pairs of them."""
    features = sorted(features, key=lambda name: " and " in name)
    more = [f"and {len(features) - _TOLD} more"] if len(features) > _TOLD else []
    return "\n".join([*features[:_TOLD], *more]) or "none"


def _demo_table(outcomes: list[Outcome]) -> Cells:
    table = Cells(
        "span",
        "rows",
        "drifted",
        "with",
        "without",
        "decision",
        "why",
        title=f"{outcomes[0].metric} with tfx-vigil, and without: the model of 2013 kept",
        box=box.SIMPLE,
        pad_edge=False,
        show_lines=True,
    )
    table.columns[2].no_wrap = True
    for o in outcomes:
        table.add_row(
            o.span,
            f"{o.rows:,}",
            _drifted(o.drifted_features),
            number(o.metric_in_service),
            number(o.metric_first_model),
            o.action,
            "\n".join(o.triggers) or ("drift" if o.drifted_features else ""),
        )
    return table
