"""Drift between two files or folders, by hand."""

from __future__ import annotations

from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box

from .cli_options import AsJson, SliceBy, Task, columns_of, validated
from .console import Cells, Exit, number, progress_line, screen

if TYPE_CHECKING:
    from ..beam_jobs.reports import Comparison, DriftReport

_STYLES = {"act": "bold red", "watch": "bold yellow", "none": "bold green"}
_SHORT = {
    "jensen_shannon_divergence": "JS divergence",
    "infinity_norm": "L-infinity",
    "normalized_abs_difference": "normalized difference",
    "missing_rate_difference": "missing rate",
}
CORRELATION, EVENT_TIME = "rank_correlation", "log_event_time"
_TOLD = 10


def drift(
    baseline: Annotated[
        str, typer.Option(help="Parquet, CSV, TFRecord, or a folder such as Examples: before.")
    ],
    current: Annotated[str, typer.Option(help="The same columns, later.")],
    slice_by: SliceBy = None,
    prediction: Annotated[
        str, typer.Option(help="Column of the model's prediction, where there is one.")
    ] = "prediction",
    label: Annotated[
        str, typer.Option(help="Column of the ground truth, where there is one.")
    ] = "label",
    task: Annotated[
        Task | None,
        typer.Option(
            help="Compare the errors of labelled predictions too, and tell when they changed."
        ),
    ] = None,
    time: Annotated[
        str, typer.Option(help="Column of the times, by which errors are in order; not compared.")
    ] = EVENT_TIME,
    ignore: Annotated[
        list[str] | None, typer.Option(help="Columns to leave out; * stands for any letters.")
    ] = None,
    alpha: Annotated[
        float, typer.Option(help="Chance of any false alarm where nothing has changed.")
    ] = 0.01,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for the report.json.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what changed between two tables, column by column and slice by slice.

    Exits with 0 where nothing did and with 3 on drift.

    Example: tfx-vigil drift --baseline june.parquet --current july.parquet --slice-by country
    """
    from ..beam_jobs.reports import write_report
    from ..components.drift_validator.by_hand import compare_tables
    from ..components.drift_validator.config import DriftConfig

    config = validated(
        DriftConfig,
        {
            "prediction": prediction,
            "label": label,
            "task": task,
            "time": time,
            "alpha": alpha,
            "ignore": [*DriftConfig().ignore, time, *(ignore or [])],
        },
    )
    with progress_line() as progress:
        progress("comparing")
        report = compare_tables(baseline, current, columns_of(slice_by), config)
    if output:
        write_report(str(output), report)
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        _show(report)
        if output:
            screen.print(f"Report: {output}/report.json", markup=False)
    if report.drift:
        raise typer.Exit(Exit.DRIFT)


def _show(report: DriftReport) -> None:
    """The result, what was found, the comparisons behind it, and a count of all others."""
    screen.print(_result(report), style=_STYLES[report.severity], markup=False)
    screen.print(report.recommendation, markup=False)
    for finding in report.findings[:_TOLD]:
        screen.print(f"- {finding.sentence} {finding.action}", markup=False)
    if len(report.findings) > _TOLD:
        screen.print(f"and {len(report.findings) - _TOLD} further findings", style="dim")
    for anomaly in report.anomalies:
        text = shorten(anomaly.description, 160, placeholder=" ...")
        screen.print(f"- {anomaly.feature} ({anomaly.slice}): {text}", markup=False)
    drifted = [c for c in report.comparisons if c.verdict == "drift"]
    if drifted:
        screen.print(_table(drifted))
    for sentence in [*_others(report), *report.not_compared]:
        screen.print(sentence, style="dim", markup=False)


def _result(report: DriftReport) -> str:
    made = [c for c in report.comparisons if c.verdict != "not_enough_data"]
    columns = {c.feature for c in made if c.feature != "*" and c.distance != CORRELATION}
    drifted = [name for name in report.drifted_features if name in columns]
    if drifted:
        names = ", ".join(drifted[:_TOLD])
        more = ", ..." if len(drifted) > _TOLD else ""
        return f"Drift in {len(drifted)} of {len(columns)} columns: {names}{more}"
    if report.drift:
        return f"Drift, in none of {len(columns)} columns alone: {report.drifted_features[0]}"
    return f"No drift in {len(columns)} columns" if columns else "Nothing could be compared"


def _table(drifted: list[Comparison]) -> Cells:
    table = Cells(
        "column", "slice", "distance", "value", "threshold", "p-value", "rows", box=box.SIMPLE
    )
    for c in drifted:
        aspect = "" if c.aspect == "value" else f" ({c.aspect.replace('_', ' ')})"
        table.add_row(
            c.feature + aspect,
            c.slice,
            _SHORT.get(c.distance, c.distance.replace("_", " ")),
            number(c.value),
            number(c.threshold),
            "-" if c.p_value is None else f"{c.p_value:.1g}",
            f"{c.n_baseline:,} / {c.n_current:,}",
        )
    return table


def _others(report: DriftReport) -> list[str]:
    verdicts = [c.verdict for c in report.comparisons]
    return [
        f"{n:,} comparison{'s' * (n > 1)} {why}"
        for n, why in (
            (verdicts.count("ok"), "below the threshold"),
            (verdicts.count("not_enough_data"), "with too few rows for a verdict"),
        )
        if n
    ]
