"""A span's evidence, measured by the pipeline's components, and its record."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from policies_learner import model_digest
from policies_parts import launch, write_all
from tfx.types.channel_utils import as_channel
from tfx_vigil.beam_jobs.reports import DriftReport, IngestReport, SliceReport, read_report
from tfx_vigil.components import BaselineResolver, DriftValidator, LogIngest, SlicedEvaluator
from tfx_vigil.components.history import History, SpanRecord, copy_tree
from tfx_vigil.components.retrain_gate.decision import RetrainDecision, TrainingPlan
from tfx_vigil.components.retrain_gate.evidence import Reports
from tfx_vigil.components.spans import Window
from tfx_vigil.pipelines.config import VigilConfig


@dataclass(frozen=True)
class Evidence:
    reports: Reports
    statistics: str
    labelled: str


def evidence(config: VigilConfig, history: History, window: Window, shared: Path) -> Evidence:
    """Ingests, compares and evaluates a span as the pipeline does, but for the pseudonymizer."""
    served = [
        (model.span, model_digest(model.model)) for model in history.models(before=window.span)
    ]
    folder = shared / hashlib.sha256(repr((window.span, served)).encode()).hexdigest()[:16]
    span, start, end = window.span, window.start.isoformat(), window.end.isoformat()
    ingest = LogIngest(config.ingest, start, end, history_root=history.root)
    baseline = BaselineResolver(history.root, span, config.drift.prediction, config.drift.reference)
    known = folder.exists()
    examples = launch(ingest, folder, known)["examples"]
    references = {
        key: as_channel([artifact])
        for key, artifact in launch(baseline, folder, known).items()
        if key != "model"
    }
    drift = DriftValidator(
        examples=as_channel([examples]), config=config.drift_validator, span=span, **references
    )
    evaluator = SlicedEvaluator(
        examples=as_channel([examples]),
        config=config.evaluation,
        estimate_splits=config.estimate_splits,
        history_root=history.root,
        span=span,
    )
    compared = launch(drift, folder, known)
    evaluated = launch(evaluator, folder, known)
    return Evidence(
        Reports(
            ingest=read_report(f"{folder}/LogIngest/report", IngestReport),
            drift=read_report(compared["report"].uri, DriftReport),
            slices=read_report(evaluated["report"].uri, SliceReport),
        ),
        compared["span_statistics"].uri,
        f"{examples.uri}/Split-labelled",
    )


def record(
    history: History,
    window: Window,
    found: Evidence,
    decision: RetrainDecision,
    plan: TrainingPlan,
) -> None:
    def fill(folder: str) -> None:
        write_all(folder, {**vars(found.reports), "decision": decision, "plan": plan})
        copy_tree(found.statistics, f"{folder}/statistics")
        copy_tree(found.labelled, f"{folder}/labelled")

    history.write_span(
        SpanRecord(
            span=window.span,
            window_start=window.start,
            window_end=window.end,
            revision="",
            complete=not decision.retrain,
            action=decision.action,
        ),
        fill,
    )
