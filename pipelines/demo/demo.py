"""The demo: a model of 2013 stays in service while Chicago's taxi riders change."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import tensorflow as tf

from ...beam_jobs import evaluate_slices, keysets
from ...beam_jobs.reports import (
    CANDIDATE,
    LOGGED,
    DriftReport,
    IngestReport,
    SliceMetric,
    SliceReport,
)
from ...components.history import History, SpanRecord
from ...components.retrain_gate.decision import RetrainDecision
from ...components.retrain_gate.evidence import overall_metric
from ...components.spans import Window
from .. import tabular_trainer
from ..config import VigilConfig, load_config
from ..initialise import initialise
from ..report import write_report_page
from ..run import Progress, run_span
from .replay import replay
from .taxi import FEATURES, LABEL, split_training, to_examples, trips

SEED = 2013
_OURS = ("data", "logs", "truth", "keys", "serving", "pipeline", "history")
_FINISHED = "decisions.json"


@dataclass(frozen=True)
class Outcome:
    """What the demo shows of a span.

    ``model``: the span that pushed the model in service. ``metric_*``: the primary metric on the
    span's labelled rows, of the model in service and of the first one. ``triggers``: the rules
    that asked for retraining.
    """

    span: str
    rows: int
    labelled_rows: int
    model: str
    drifted_features: list[str]
    metric: str
    metric_in_service: float | None
    metric_first_model: float | None
    action: str
    triggers: list[str]
    reasons: list[str]


def run_demo(
    out: Path, spans: int | None = None, progress: Progress = lambda _: None
) -> Iterator[Outcome]:
    """Runs the demo in ``out``, yielding each span's outcome as it comes.

    An interrupted demo goes on where it was; a finished one starts again.

    Args:
      spans: only so many; None for as long as the data lasts.
    """
    if (out / _FINISHED).exists():
        for name in _OURS:
            shutil.rmtree(out / name, ignore_errors=True)
        (out / _FINISHED).unlink()
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(Path(__file__).with_name("vigil.yaml"), out / "vigil.yaml")
    config = load_config(out / "vigil.yaml")
    history = History(config.runtime.history_root)

    frame = trips()
    if history.baseline() is None:
        progress("training the first model on the trips of 2013")
        _first_day(config, out, frame)
    windows = list(_windows(config, frame))[:spans]
    outcomes, firsts = [], {}
    for window in windows:
        if window.span not in {record.span for record in history.spans()}:
            progress(f"{window.span}: the model in service predicts")
            _serve(history, window, frame, out)
            run_span(config, window, progress=progress)
        record = history.record(window.span)
        progress(f"{window.span}: what the first model would have done")
        firsts[window.span] = _first_model_metric(config, history, record)
        outcomes.append(_outcome(history, record, firsts[window.span]))
        yield outcomes[-1]
    progress("writing the report")
    write_report_page(
        config.runtime.history_root,
        str(out / "report.html"),
        title="Chicago taxi tips",
        first_model=firsts,
    )
    text = json.dumps([asdict(outcome) for outcome in outcomes], indent=1)
    (out / _FINISHED).write_text(text + "\n")


def _first_day(config: VigilConfig, out: Path, frame: pd.DataFrame) -> None:
    """Trains the first model, makes the key, and starts the history."""
    year_one = frame[frame.end < config.spans.start]
    training, evaluation = split_training(year_one, SEED)
    (out / "data").mkdir(exist_ok=True)
    for path, rows in (
        (config.baseline.training_data, training),
        (config.baseline.evaluation_data, evaluation),
    ):
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for example in to_examples(rows):
                writer.write(example)
    keysets.create_if_missing(config.privacy.keyset)
    tabular_trainer.run_fn(
        SimpleNamespace(
            train_files=[config.baseline.training_data],
            base_model=None,
            serving_model_dir=config.baseline.model,
            custom_config={"tabular": {"features": FEATURES, "label": LABEL}},
        )
    )
    initialise(config)


def _windows(config: VigilConfig, frame: pd.DataFrame) -> Iterator[Window]:
    k = 0
    while (window := config.spans.window(k)).start <= frame.end.iloc[-1]:
        yield window
        k += 1


def _serve(history: History, window: Window, frame: pd.DataFrame, out: Path) -> None:
    model = history.model_in_service(before=window.span)
    span_trips = frame[(frame.end >= window.start) & (frame.end < window.end)]
    replay(span_trips, model.model, model.span, window.span, out, SEED)


def _first_model_metric(
    config: VigilConfig, history: History, record: SpanRecord
) -> SliceMetric | None:
    """The first model's primary metric on the span's labelled rows."""
    evaluation = config.evaluation
    only = evaluation.model_copy(update={"slices": [], "metrics": [evaluation.primary_name]})
    staging = f"{config.runtime.pipeline_root}/first_model/{record.span}"
    models = {CANDIDATE: history.baseline().model}
    rows = history.path(record, "labelled")
    report = evaluate_slices.run(only, rows, staging, models)
    return overall_metric(report, report.primary_metric, CANDIDATE)


def _outcome(history: History, record: SpanRecord, first: SliceMetric | None) -> Outcome:
    slices = history.report(record, "slices", SliceReport)
    ingest = history.report(record, "ingest", IngestReport)
    drift = history.report(record, "drift", DriftReport)
    decision = history.report(record, "decision", RetrainDecision)
    push = history.report(record, "push", RetrainDecision)
    in_service = overall_metric(slices, slices.primary_metric, LOGGED)
    return Outcome(
        span=record.span,
        rows=ingest.counts.rows_written,
        labelled_rows=slices.rows,
        model=history.model_in_service(before=record.span).span,
        drifted_features=drift.drifted_features,
        metric=slices.primary_metric,
        metric_in_service=in_service and in_service.value,
        metric_first_model=first and first.value,
        action=record.action,
        triggers=[
            r.rule
            for r in decision.rules
            if r.kind == "trigger" and r.outcome and (r.then != "watch" or not decision.retrain)
        ],
        reasons=decision.reasons + (push.reasons if push else []),
    )
