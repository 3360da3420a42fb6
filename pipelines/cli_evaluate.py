"""How good logged predictions are, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box

from .cli_options import AsJson, EvaluationTask, SliceBy, columns_of, validated
from .console import Cells, Exit, bounds, number, progress_line, screen
from .show_estimates import show_estimates
from .show_slices_found import show_slices_found
from .yaml_file import ConfigError

if TYPE_CHECKING:
    from ..beam_jobs.reports import SliceReport, ThresholdCheck

_STYLES = {"met": "green", "not_met": "bold red", "not_enough_data": "bold yellow"}


def evaluate(
    data: Annotated[str, typer.Option(help="Parquet, CSV, TFRecord or a folder of them.")],
    label: Annotated[str | None, typer.Option(help="Column of the ground truth.")] = None,
    prediction: Annotated[str, typer.Option(help="Column of the score or number.")] = "prediction",
    weight: Annotated[
        str | None, typer.Option(help="Column of what a row counts; 1 without it.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(help="Column of whose row it is: intervals heed that one user's are alike."),
    ] = None,
    simultaneous: Annotated[
        bool, typer.Option(help="Intervals that hold for all slices at once.")
    ] = False,
    task: Annotated[EvaluationTask, typer.Option()] = "binary_classification",
    positive_class: Annotated[str | None, typer.Option(help="The label that counts as 1.")] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", help="Of several classes, in the order of their probabilities."),
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Of a ranking: column that tells rows ranked together.")
    ] = None,
    slice_by: SliceBy = None,
    fairness: Annotated[
        list[str] | None,
        typer.Option(help="A column that tells groups of people apart, whose rates are compared."),
    ] = None,
    metric: Annotated[list[str] | None, typer.Option(help="Only these; default: all.")] = None,
    eval_config: Annotated[
        Path | None,
        typer.Option(
            help="A tfma.EvalConfig (JSON or text proto) that says what to evaluate, in place of "
            "the options above. Its thresholds are decided on the intervals.",
        ),
    ] = None,
    min_slice_rows: Annotated[
        int | None, typer.Option(min=1, help="Smaller slices get no metrics; default: 50.")
    ] = None,
    find_slices: Annotated[
        bool, typer.Option(help="Search all columns for slices on which the model is worse.")
    ] = False,
    estimate: Annotated[
        bool, typer.Option(help="Estimate the metrics of the rows without a label too.")
    ] = False,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of TFMA's files.")] = Path(
        "evaluation"
    ),
    as_json: AsJson = False,
) -> None:
    """Measure logged predictions against ground truth, slice by slice.

    Exits with 0, and with 3 where a threshold of the EvalConfig is not met or cannot be decided.

    Example: tfx-vigil evaluate --data preds.parquet --label y --prediction p --slice-by country
    """
    from ..beam_jobs import evaluate_slices
    from ..beam_jobs.evaluation_config import EvaluationConfig
    from ..beam_jobs.slice_search import SliceSearchConfig

    if (label is None) == (eval_config is None):
        raise ConfigError("evaluate: give --label or --eval-config, one of the two")
    settings = {
        "label": label,
        "prediction": prediction,
        "weight": weight,
        "slices": columns_of(slice_by),
        "fairness": fairness or [],
        "metrics": metric or [],
    }
    if eval_config:
        if slice_by or fairness or metric or weight:
            raise ConfigError("evaluate: --eval-config says slices, metrics and weight itself")
        settings = {"eval_config": _read(eval_config)}
    if min_slice_rows:
        settings["min_slice_rows"] = min_slice_rows
    settings |= {"task": task, "positive_class": positive_class, "classes": classes or []}
    settings["query"] = query
    settings |= {"group_by": group_by, "simultaneous": simultaneous}
    settings["search"] = SliceSearchConfig() if find_slices else None
    config = validated(EvaluationConfig, settings)
    if estimate and (config.weight or config.task not in ("binary_classification", "regression")):
        raise ConfigError(
            "evaluate: --estimate is for a binary classification or a regression, without a weight"
        )
    with progress_line() as progress:
        progress("evaluating")
        report = evaluate_slices.run(config, data, str(output), estimate=estimate)
    if as_json:
        print(report.model_dump_json(indent=1))
    else:
        _show(report)
        screen.print(f"TFMA's files and report: {output}", markup=False)
    if report.valid is False:
        raise typer.Exit(Exit.BELOW_THRESHOLD)


def _read(path: Path) -> dict:
    from ..beam_jobs.given_eval_config import read_eval_config

    try:
        return read_eval_config(path.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _show(report: SliceReport) -> None:
    several = len(report.models) > 1
    table = Cells(*["model"] * several, "slice", "metric", "value", "95 % interval", "rows")
    for m in report.metrics:
        row = m.slice, m.metric, number(m.value), bounds(m.lower, m.upper), f"{m.n:,}"
        table.add_row(*[m.model] * several, *row)
    screen.print(table)
    if report.changes:
        table = Cells("slice", "metric", "change", "95 % interval", "rows")
        for c in report.changes:
            interval = bounds(c.lower, c.upper)
            table.add_row(c.slice, c.metric, number(c.difference), interval, f"{c.n:,}")
        screen.print(table)
    if report.found:
        show_slices_found(report.found)
    if report.estimates:
        show_estimates(report.estimates)
    _show_differences(report)
    if report.thresholds:
        screen.print(_thresholds(report.thresholds))
    if report.by_tfma:
        names = ", ".join(report.by_tfma)
        screen.print(f"By TFMA itself, without intervals: {names}", style="dim", markup=False)
    for name, n in report.small_slices.items():
        screen.print(f"{name}: {n} rows are too few", style="dim", markup=False)
    if report.unnamed_slices:
        screen.print(f"{report.unnamed_slices} slices are too small to be named", style="dim")
    dropped = {reason: n for reason, n in report.dropped.items() if n}
    for reason, n in dropped.items():
        screen.print(f"{n:,} rows dropped: {reason.replace('_', ' ')}", style="dim", markup=False)


def _show_differences(report: SliceReport) -> None:
    """Between slices: what is clear of 0, and how many are not."""
    clear = [d for d in report.between_slices if d.lower is not None and d.lower * d.upper > 0]
    if clear:
        table = Cells("slice", "against", "metric", "difference", "95 % interval", "ratio", "rows")
        for d in clear:
            interval, rows = bounds(d.lower, d.upper), f"{d.n:,}"
            ratio = "" if d.ratio is None else f"{d.ratio:.2f}"
            table.add_row(d.slice, d.against, d.metric, number(d.difference), interval, ratio, rows)
        screen.print(table)
    if rest := len(report.between_slices) - len(clear):
        screen.print(f"{rest} differences between slices are not clear of 0", style="dim")


def _thresholds(checks: list[ThresholdCheck]) -> Cells:
    columns = "slice", "metric", "value", "95 % interval", "threshold", "outcome", "rows", "needed"
    table = Cells(*columns, box=box.SIMPLE)
    for check in checks:
        table.add_row(
            check.slice,
            f"change of {check.metric}" if check.is_change else check.metric,
            number(check.value),
            bounds(check.lower, check.upper),
            _limits(check),
            check.outcome.replace("_", " "),
            "" if check.n is None else f"{check.n:,}",
            "" if check.rows_needed is None else f"{check.rows_needed:,}",
            style=_STYLES[check.outcome],
        )
    return table


def _limits(check: ThresholdCheck) -> str:
    ends = ((">=", check.at_least), ("<=", check.at_most))
    return ", ".join(f"{sign} {end:.6g}" for sign, end in ends if end is not None)
