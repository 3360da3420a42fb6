"""``tfx-vigil ingest``: serving logs to tf.Examples, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from ..beam_jobs.ingest_config import Format
from .cli_options import AsJson, VigilYaml, validated
from .console import Cells, screen
from .yaml_file import ConfigError

if TYPE_CHECKING:
    from ..beam_jobs.reports import IngestReport

AnyFormat = Literal[("auto", *get_args(Format))]
Payload = Literal["tfrecord", "parquet"]


def ingest(
    window_start: Annotated[str, typer.Option(help="ISO 8601, UTC unless it says so.")],
    window_end: Annotated[str, typer.Option(help="Excluded from the window.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for what is read.")],
    config: VigilYaml = None,
    format_: Annotated[
        AnyFormat | None,
        typer.Option("--format", help="auto recognises it from the first records; the default."),
    ] = None,
    logs: Annotated[list[str] | None, typer.Option(help="Glob of log files.")] = None,
    labels: Annotated[list[str] | None, typer.Option(help="Glob of ground-truth files.")] = None,
    horizon_days: Annotated[float, typer.Option(help="How late a label may come.")] = 30,
    replay: Annotated[
        list[str] | None,
        typer.Option(help="Dead letters of an earlier run, a folder or a glob, in place of logs."),
    ] = None,
    payload_format: Annotated[
        Payload, typer.Option(help="tf.Examples in TFRecords, or Parquet.")
    ] = "tfrecord",
    earlier: Annotated[
        list[Path] | None,
        typer.Option(help="A folder with an earlier window's report.json, for red flags."),
    ] = None,
    beam_args: Annotated[list[str] | None, typer.Argument(help="After --: Beam's options.")] = None,
    as_json: AsJson = False,
) -> None:
    """Read serving logs and late ground truth into tf.Examples."""
    from ..beam_jobs import ingest_logs
    from ..beam_jobs.ingest_config import GroundTruthConfig, IngestConfig
    from ..beam_jobs.reports import IngestReport, read_report, without_files
    from ..components.spans import utc
    from .config import load_config

    settings = load_config(config).ingest.model_dump() if config else {"format": "auto"}
    if replay:
        settings |= {"logs": [_letters(glob) for glob in replay], "replay": True}
    settings |= {key: value for key, value in (("format", format_), ("logs", logs)) if value}
    if labels:
        truth = settings.get("ground_truth") or {}
        settings["ground_truth"] = GroundTruthConfig.model_validate({**truth, "files": labels})
        settings["horizon_hours"] = settings.get("horizon_hours") or horizon_days * 24
    ingest_config = validated(IngestConfig, settings)
    try:
        start, end = utc(window_start), utc(window_end)
    except ValueError as error:
        raise ConfigError(f"--window-start, --window-end: {error}") from error
    report = ingest_logs.run(
        ingest_config,
        start,
        end,
        str(output),
        beam_args or (),
        payload_format,
        [without_files(read_report(str(folder), IngestReport)) for folder in earlier or ()],
    )
    if as_json:
        print(report.model_dump_json(indent=1))
        return
    _show_ingest(report)
    screen.print(f"Examples, dead letters and report: {output}", markup=False)


def _letters(place: str) -> str:
    """Dead letters in a folder, or in that of a whole run; a glob stands for itself."""
    for folder in (Path(place, "dead_letter"), Path(place)):
        if folder.is_dir():
            return f"{folder}/dead_letters-*"
    return place


def _show_ingest(report: IngestReport) -> None:
    table = Cells("count", "n", title=f"Format: {report.format}")
    for name, n in report.counts.model_dump().items():
        table.add_row(name.replace("_", " "), f"{n:,}")
    if report.unfinished_records:
        table.add_row("unfinished records", f"{report.unfinished_records:,}")
    for reason, n in report.dead_letter_reasons.items():
        table.add_row(f"  dead letter: {reason}", f"{n:,}")
    screen.print(table)
    for flag in report.red_flags:
        subject = f" {flag.subject}" if flag.subject else ""
        screen.print(
            f"{flag.kind.replace('_', ' ')}{subject}: {flag.found}", style="bold red", markup=False
        )
        screen.print(f"  {flag.recommendation}", markup=False)
