"""The command line with what needs Kubeflow: ``tfx-vigil compile | submit``."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..pipelines.cli import Config, app, main
from ..pipelines.cli_options import AsJson
from ..pipelines.console import errors, screen
from ..pipelines.yaml_file import ConfigError

__all__ = ["main"]

_PANEL = "On Kubeflow"


@app.command("compile", rich_help_panel=_PANEL)
def compile_(
    config: Config = Path("vigil.yaml"),
    target: Annotated[
        Literal["kubeflow", "vertex"], typer.Option(help="Kubeflow Pipelines, or Vertex AI.")
    ] = "kubeflow",
    output: Annotated[Path, typer.Option("--output", "-o")] = Path("pipeline.yaml"),
    check: Annotated[
        Path | None, typer.Option(help="Only check this compiled pipeline, whoever made it.")
    ] = None,
) -> None:
    """Write the monitoring pipeline for Kubeflow Pipelines, or check one."""
    _need_kfp()
    from .check import check as problems_of

    if check:
        if not check.is_file():
            raise ConfigError(f"--check: {check} is no file")
        _refuse(check, problems_of(check.read_text()))
        screen.print(f"{check}: nothing that Kubeflow Pipelines refuses", markup=False)
        return
    from .compile import compile_pipeline, load_cluster_config

    text = compile_pipeline(load_cluster_config(config), target)
    if target == "kubeflow":
        _refuse(config, problems_of(text))
    output.write_text(text)
    screen.print(f"{output}: the pipeline for {target}", markup=False)


@app.command(rich_help_panel=_PANEL)
def submit(
    host: Annotated[str, typer.Option(help="Address of the Kubeflow Pipelines API.")],
    spec: Annotated[Path, typer.Argument(help="The compiled pipeline.")] = Path("pipeline.yaml"),
    recurring: Annotated[
        str | None, typer.Option(help="A schedule in place of one run: cron, as '0 6 * * *'.")
    ] = None,
    catch_up: Annotated[
        bool, typer.Option("--catch-up", help="A run for each time the schedule missed.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Wait until the run has ended.")] = False,
    attach: Annotated[
        str | None, typer.Option(metavar="RUN_ID", help="Only follow a run submitted before.")
    ] = None,
    window_start: Annotated[str, typer.Option(help="This window, not the next due.")] = "",
    window_end: Annotated[str, typer.Option(help="Excluded from the window.")] = "",
    retrain: Annotated[
        bool, typer.Option("--retrain", help="Ask for retraining; guards apply.")
    ] = False,
    namespace: Annotated[str | None, typer.Option(help="Of a multi-user installation.")] = None,
    service_account: Annotated[str, typer.Option(help="Of the run's pods.")] = "tfx-vigil",
    pipeline: Annotated[str | None, typer.Option(help="Its name there.")] = None,
    version: Annotated[str | None, typer.Option(help="Default: by the spec's digest.")] = None,
    experiment: Annotated[str | None, typer.Option(help="Default: the pipeline's name.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="Or KF_PIPELINES_TOKEN.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust.")] = None,
    as_json: AsJson = False,
) -> None:
    """Upload a compiled pipeline, and run or schedule it."""
    _need_kfp()
    from .follow import follow_run
    from .kfp_api import Server
    from .submit import Submission
    from .submit import submit as send

    def tell(text: str) -> None:
        errors.print(text, markup=False)

    server = Server(host=host, namespace=namespace, token_file=token_file, ca_file=ca_file)
    if attach:
        screen.print(f"{attach}: {follow_run(server, attach, tell).lower()}", markup=False)
        return
    parameters = {"window_start": window_start, "window_end": window_end, "on_demand": int(retrain)}
    submission = Submission(
        pipeline=pipeline,
        version=version,
        experiment=experiment,
        parameters={name: value for name, value in parameters.items() if value},
        service_account=service_account,
        recurring=recurring,
        catch_up=catch_up,
        follow=follow,
    )
    done = send(spec, server, submission, tell)
    if as_json:
        print(json.dumps(asdict(done)))
        return
    screen.print(f"{done.pipeline} {done.version}: {done.state.lower()}, {done.url}", markup=False)


def _need_kfp() -> None:
    if find_spec("kfp") is None or find_spec("kfp.kubernetes") is None:
        raise ConfigError("this needs Kubeflow's client: pip install 'tfx-vigil[kfp]'")


def _refuse(what: Path, problems: list[str]) -> None:
    for problem in problems:
        errors.print(f"{what}: {problem}", style="red", markup=False, soft_wrap=True)
    if problems:
        raise typer.Exit(1)
