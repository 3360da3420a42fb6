"""Spans put into a history by the components that do it in the pipeline."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx.components.pusher.executor import Executor as Pusher
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils, proto_utils
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.tables import list_columns
from tfx_vigil.components import artifacts
from tfx_vigil.components.push_recorder.executor import Executor as PushRecorder
from tfx_vigil.components.retrain_gate.decision import RetrainDecision, TrainingPlan
from tfx_vigil.components.span_recorder.executor import Executor as SpanRecorder

from .drift_statistics import statistics_of
from .evidence import candidate, drift, holding, ingest, privacy, serving, slices

DAY = 86_400_000_000


def rows(first: int, n: int = 20) -> dict[str, np.ndarray]:
    """A small table, one row a day from day ``first`` on; every fare tells its row."""
    days = np.arange(first, first + n)
    return {
        "fare": days.astype(np.float32),
        "company": np.where(days % 2, "Blue", "Checker"),
        "label": (days % 2).astype(np.float32),
        "prediction": np.full(n, 0.5, np.float32),
        "log_event_time": days * DAY,
        "log_request_id": days.astype(str),
    }


def write_examples(folder: Path, columns: dict[str, np.ndarray]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    batch = list_columns("rows", pa.RecordBatch.from_pydict(columns))
    with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for example in encode_examples(batch):
            writer.write(example)


def examples_of(folder: Path, **splits: dict) -> standard_artifacts.Examples:
    artifact = standard_artifacts.Examples()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for split, columns in splits.items():
        write_examples(folder / f"Split-{split}", columns)
    return artifact


def statistics_of_splits(folder: Path, **splits: dict) -> standard_artifacts.ExampleStatistics:
    """As StatisticsGen leaves it."""
    artifact = standard_artifacts.ExampleStatistics()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for split, columns in splits.items():
        target = folder / f"Split-{split}"
        target.mkdir(parents=True)
        (target / "FeatureStats.pb").write_bytes(statistics_of(columns).SerializeToString())
    return artifact


def decision(span: str, action: str, chosen: str | None = None) -> RetrainDecision:
    return RetrainDecision(
        span=span,
        action=action,
        retrain=action == "retrain",
        push=action == "push",
        chosen=chosen,
        reasons=[],
        rules=[],
        next_step="",
        evidence={},
    )


def plan(span: str, *older: str, holdout: float = 0.3) -> TrainingPlan:
    return TrainingPlan(span=span, spans=[*older, span], strategy="all", holdout=holdout)


def model_of(folder: Path, content: str) -> standard_artifacts.Model:
    """A Model as Trainer leaves it, but that its graph is ``content``."""
    artifact = standard_artifacts.Model()
    artifact.uri = str(folder)
    serving = Path(path_utils.serving_model_dir(artifact.uri))
    (serving / "variables").mkdir(parents=True)
    (serving / "saved_model.pb").write_text(content)
    (serving / "variables" / "variables.index").write_text("weights")
    return artifact


def push(model, blessing, folder: Path) -> standard_artifacts.PushedModel:
    """Runs the stock Pusher with ``folder/serving`` as its destination."""
    pushed = standard_artifacts.PushedModel()
    pushed.uri = str(folder / "pushed")
    destination = pusher_pb2.PushDestination(filesystem={"base_directory": str(folder / "serving")})
    Pusher().Do(
        {"model": [model], "model_blessing": [blessing]},
        {"pushed_model": [pushed]},
        {"push_destination": proto_utils.proto_to_json(destination)},
    )
    return pushed


def span_inputs(folder: Path, span: str, first: int = 0, action: str = "none") -> dict:
    """What SpanRecorder takes, of a span of 20 rows served and 10 of them labelled."""
    served, labelled = rows(first), rows(first, 10)
    decided = decision(span, action)
    return {
        "examples": examples_of(folder / "examples", serving=served, labelled=labelled),
        "statistics": statistics_of_splits(
            folder / "statistics", serving=served, labelled=labelled
        ),
        "ingest": holding(artifacts.IngestReport(), folder / "ingest", ingest()),
        "privacy": holding(artifacts.PrivacyReport(), folder / "privacy", privacy()),
        "drift": holding(artifacts.DriftReport(), folder / "drift", drift("act")),
        "slices": holding(artifacts.SliceReport(), folder / "slices", slices(0.55, rows=10)),
        "decision": holding(artifacts.RetrainDecision(), folder / "decision", decided),
        "plan": holding(artifacts.TrainingPlan(), folder / "plan", plan(span, "baseline")),
    }


def record(root: str, span: str, inputs: dict) -> None:
    """Runs SpanRecorder."""
    SpanRecorder().Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {},
        {
            "history_root": root,
            "span": span,
            "window_start": f"{span}T00:00:00+00:00",
            "window_end": f"{span}T12:00:00+00:00",
        },
    )


def record_span(root: str, folder: Path, span: str, first: int = 0, action: str = "none") -> None:
    record(root, span, span_inputs(folder, span, first, action))


def record_push(root: str, folder: Path, span: str, model: str | None) -> None:
    """Runs the stock Pusher and PushRecorder; no model is blessed where ``model`` is None."""
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(folder / "blessing")
    blessing.set_int_custom_property("blessed", int(model is not None))
    pushed = push(model_of(folder / "model", model or ""), blessing, folder)
    outcome = decision(span, "push", "fine_tuned") if model else decision(span, "hold")
    inputs = {
        "decision": holding(artifacts.RetrainDecision(), folder / "push", outcome),
        "plan": holding(artifacts.TrainingPlan(), folder / "plan", plan(span, "baseline")),
        "training_statistics": statistics_of_splits(folder / "trained", train=rows(0, 30)),
        "fine_tuned": holding(artifacts.SliceReport(), folder / "fine_tuned", candidate(0.5)),
        "from_scratch": holding(artifacts.SliceReport(), folder / "from_scratch", candidate(0.6)),
        "previous": holding(artifacts.SliceReport(), folder / "previous", candidate(0.7)),
        "serving": holding(artifacts.ServingReport(), folder / "serving_checks", serving()),
        "pushed_model": pushed,
    }
    PushRecorder().Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {},
        {"history_root": root, "span": span},
    )
