"""Makes the documents of recorded spans anew, after their rows have changed.

The components' own executors do it, with the same parameters as in the pipeline, so that a span
without a person looks as if the person had never been there. The decision about the span stays:
it tells what was decided then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import apache_beam as beam
from tfx.dsl.io import fileio
from tfx.types import Artifact, artifact_utils, standard_artifacts

from ..beam_jobs.drift_statistics.files import forget_rows
from ..beam_jobs.engine import in_process_by_default, job_options
from ..beam_jobs.evaluate_slices import EvaluateSlices
from ..beam_jobs.examples import ReadExamples
from ..components import artifacts
from ..components.baseline_resolver import executor as resolver
from ..components.drift_statistics.measure import measure_splits, statistics_config
from ..components.drift_validator import executor as drift_validator
from ..components.history import BaselineRecord, History, SpanRecord, copy_tree
from ..components.span_recorder.executor import LABELLED, STATISTICS, copy_report
from ..components.statistics_places import splits_in
from .config import VigilConfig
from .initialise import describe, reference
from .recompute_privacy import recompute_privacy

DRIFT = "drift report"
_SERVING = "serving"


def recompute_span(
    config: VigilConfig, history: History, record: SpanRecord, folder: str
) -> list[str]:
    """Replaces statistics and reports in ``folder``, a copy of the span's files.

    Statistics of the requests and the privacy report need the pipeline's own copy of the rows,
    at ``record.examples``; where it is gone they stay, without their sample of rows.

    Returns:
      The documents that were made anew, in words.
    """
    made = []
    with _scratch(folder) as scratch, in_process_by_default():
        if splits := _measure(config, record, folder):
            made.append(f"{STATISTICS} of {' and '.join(splits)} rows")
        _compare(config, history, record.span, folder, scratch)
        made.append(DRIFT)
        if _files(os.path.join(folder, LABELLED)):
            _evaluate(config, record, folder, scratch)
            made.append("slice report")
        if has_serving_rows(record) and recompute_privacy(config, record, folder, scratch):
            made.append("privacy report's rows and risk")
    return made


def recompute_drift(config: VigilConfig, history: History, span: str, folder: str) -> None:
    """Replaces the drift report alone: of a span whose references have changed."""
    with _scratch(folder) as scratch:
        _compare(config, history, span, folder, scratch)


def recompute_baseline(config: VigilConfig, history: History) -> None:
    """Replaces statistics, schema and reference of the baseline, file by file."""
    examples = history.baseline_path("examples")
    staging = History(os.path.join(history.root, "staging"))
    fileio.makedirs(staging.baseline_path())
    try:
        rows = describe(config, staging, f"{examples}/Split-train")
        record = history.baseline()
        if record.model and _files(f"{examples}/Split-eval"):
            reference(config, staging, f"{examples}/Split-eval", record.model)
        copy_tree(staging.baseline_path(), history.baseline_path())
    finally:
        fileio.rmtree(staging.root)
    history.write_baseline(BaselineRecord(model=record.model, rows=rows))


def has_serving_rows(record: SpanRecord) -> bool:
    """Whether the pipeline still has the rows of the span's requests."""
    return record.examples is not None and bool(_files(f"{record.examples}/Split-{_SERVING}"))


def _measure(config: VigilConfig, record: SpanRecord, folder: str) -> list[str]:
    sources = {LABELLED: os.path.join(folder, LABELLED)}
    if has_serving_rows(record):
        sources[_SERVING] = f"{record.examples}/Split-{_SERVING}"
    measured = os.path.join(folder, STATISTICS)
    patterns = {
        split: f"{source}/*"
        for split, source in sources.items()
        if _files(source) and fileio.exists(os.path.join(measured, f"Split-{split}"))
    }
    for split in set(splits_in(measured)) - set(patterns):
        forget_rows(os.path.join(measured, f"Split-{split}"))
    if not patterns:
        return []
    with beam.Pipeline(options=job_options(config.beam_args)) as pipeline:
        measure_splits(pipeline, patterns, measured, statistics_config(config.drift_validator))
    return list(patterns)


def _compare(config: VigilConfig, history: History, span: str, folder: str, scratch: str) -> None:
    statistics = os.path.join(folder, STATISTICS)
    splits = [name.removeprefix("Split-").rstrip("/") for name in fileio.listdir(statistics)]
    kinds = {
        resolver.SCHEMA: standard_artifacts.Schema,
        resolver.TRAINING_STATISTICS: standard_artifacts.ExampleStatistics,
        resolver.REFERENCE_STATISTICS: standard_artifacts.ExampleStatistics,
        resolver.MODEL: standard_artifacts.Model,
    }
    baselines = {key: [_artifact(kind, f"{scratch}/{key}")] for key, kind in kinds.items()}
    resolver.Executor().Do(
        {},
        baselines,
        {
            resolver.HISTORY_ROOT: history.root,
            resolver.SPAN: span,
            resolver.PREDICTION: config.drift.prediction,
            resolver.REFERENCES: config.drift.reference.model_dump_json(),
        },
    )
    baselines.pop(resolver.MODEL)
    if not fileio.exists(f"{scratch}/{resolver.SCHEMA}"):
        baselines.pop(resolver.SCHEMA)
    report = _artifact(artifacts.DriftReport, f"{scratch}/drift")
    anomalies = _artifact(standard_artifacts.ExampleAnomalies, f"{scratch}/anomalies")
    drift_validator.Executor().Do(
        {
            drift_validator.STATISTICS_KEY: [
                _artifact(standard_artifacts.ExampleStatistics, statistics, sorted(splits))
            ],
            **baselines,
        },
        {drift_validator.REPORT_KEY: [report], drift_validator.ANOMALIES_KEY: [anomalies]},
        {
            drift_validator.CONFIG_KEY: config.drift_validator.model_dump_json(),
            drift_validator.SPAN_KEY: span,
        },
    )
    copy_report(report, folder, "drift")


def _evaluate(config: VigilConfig, record: SpanRecord, folder: str, scratch: str) -> None:
    report = _artifact(artifacts.SliceReport, f"{scratch}/slices")
    with beam.Pipeline(options=job_options(config.beam_args)) as pipeline:
        rows = pipeline | "Read" >> ReadExamples(f"{folder}/{LABELLED}/*")
        if config.estimate_splits and has_serving_rows(record):
            serving = f"{record.examples}/Split-{_SERVING}/*"
            rows = rows, pipeline | "Read requests" >> ReadExamples(serving)
        _ = rows | "Evaluate" >> EvaluateSlices(
            config.evaluation, f"{scratch}/evaluation", report.uri
        )
    copy_report(report, folder, "slices")


def _artifact(kind: type[Artifact], uri: str, splits: list[str] | None = None) -> Artifact:
    artifact = kind()
    artifact.uri = uri
    if splits is not None:
        artifact.split_names = artifact_utils.encode_split_names(splits)
    return artifact


def _files(folder: str) -> list[str]:
    return fileio.listdir(folder) if fileio.isdir(folder) else []


@contextmanager
def _scratch(folder: str) -> Iterator[str]:
    """A folder beside ``folder`` that is gone afterwards; the history's sweep knows it too."""
    scratch = f"{folder}-scratch"
    fileio.makedirs(scratch)
    try:
        yield scratch
    finally:
        fileio.rmtree(scratch)
