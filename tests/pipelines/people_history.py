"""A pipeline's runs over two days of rides, with rows of people in all places."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from tfx.types import artifact_utils, standard_artifacts
from tfx_vigil.beam_jobs import keysets
from tfx_vigil.beam_jobs.privacy_batch import BatchTreatment, load_keys
from tfx_vigil.beam_jobs.reports import PrivacyReport
from tfx_vigil.beam_jobs.tables import list_columns
from tfx_vigil.components import artifacts
from tfx_vigil.components.history import BaselineRecord, History, Push, copy_tree
from tfx_vigil.pipelines.config import VigilConfig
from tfx_vigil.pipelines.recompute import recompute_span

from ..beam_jobs.subjects.stored_rows import read, write
from ..components.evidence import holding
from ..components.recorded_spans import record, span_inputs

SPANS = FIRST, SECOND = "2014-01-01", "2014-01-02"
RIDERS = "ann", "bob", "cid", "dan"
SERVED, LABELLED = 80, 48


@dataclass(frozen=True)
class World:
    """Rider ``ann`` is in the first span alone, which has pushed the model in service."""

    folder: Path
    config: VigilConfig

    @property
    def history(self) -> History:
        return History(self.config.runtime.history_root)

    def examples(self, span: str) -> Path:
        return Path(self.history.record(span).examples)

    def labelled(self, span: str) -> int:
        return rows_in(Path(self.history.labelled_path(span)))

    def served(self, span: str) -> int:
        return rows_in(self.examples(span) / "Split-serving")


def rows_in(folder: Path) -> int:
    return sum(len(read(file)) for file in folder.iterdir())


def settings_of(folder: Path) -> dict:
    return {
        "model": {
            "name": "rides",
            "features": {"fare": "float", "company": "string"},
            "serving_dir": f"{folder}/serving",
        },
        "spans": {"start": "2014-01-01"},
        "logs": {"format": "json_lines", "files": f"{folder}/logs/*.jsonl"},
        "privacy": {
            "domain": "rides",
            "keyset": f"{folder}/keyset.json",
            "default": "keep",
            "fields": {
                "rider": {"method": "hmac", "role": "subject_id"},
                "referrer": {"method": "hmac"},
                "company": {"method": "keep", "role": "quasi_identifier"},
            },
        },
        "slices": [["company"]],
        "metrics": {"names": ["binary_crossentropy", "auc"], "min_slice_rows": 2},
        "runtime": {"pipeline_root": f"{folder}/pipeline", "history_root": f"{folder}/history"},
    }


def rides(seed: int, n: int, riders=RIDERS) -> dict[str, np.ndarray]:
    """Rider ``ann`` rides with Blue alone, and has every fourth row."""
    rng = np.random.default_rng(seed)
    turn = np.arange(n) % len(riders)
    return {
        "rider": np.array(riders)[turn],
        "referrer": np.array(riders)[(turn + seed) % len(riders)],
        "fare": rng.lognormal(2, 1, n).astype(np.float32),
        "company": np.where(turn == 0, "Blue", "Checker"),
        "label": rng.integers(0, 2, n).astype(np.float32),
        "prediction": rng.random(n).astype(np.float32),
        "log_event_time": np.arange(n) * 1_000_000,
    }


def protected(config: VigilConfig, rows: dict, version: int = 1) -> pa.RecordBatch:
    batch = list_columns("rides", pa.RecordBatch.from_pydict(rows))
    privacy = config.pseudonymizer
    return BatchTreatment(privacy, "labelled", load_keys(privacy, version)).treat(batch)[0]


def build(folder: Path, measured: bool = True) -> World:
    """Requests were treated under the first key version, labelled rows under the second.

    ``measured``: with the documents that the pipeline makes of these rows, not made-up ones.
    """
    config = VigilConfig.model_validate(settings_of(folder))
    keysets.create(config.privacy.keyset)
    keysets.rotate(config.privacy.keyset)
    world = World(folder, config)
    history = world.history
    Path(history.baseline_path()).mkdir(parents=True)
    history.write_baseline(BaselineRecord(model="/serving/first", rows=100))
    for i, riders in enumerate((RIDERS, RIDERS[1:])):
        _run(world, i, SPANS[i], riders, measured)
    return world


def _run(world: World, i: int, span: str, riders, measured: bool) -> None:
    """What a run leaves, with the span's documents as the pipeline makes them."""
    folder = world.folder / "pipeline" / "PIIPseudonymizer" / "examples" / str(3 + i)
    for version, (split, n) in enumerate({"serving": SERVED, "labelled": LABELLED}.items(), 1):
        rows = protected(world.config, rides(10 * i + version, n, riders), version)
        write(folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz", rows)
    training = world.folder / "pipeline" / "TrainingExamples" / "examples" / str(9 + i)
    plain = {k: v for k, v in rides(i, 5).items() if k in ("fare", "company", "label")}
    write(
        training / "Split-train" / "data_tfrecord-00000-of-00001.gz",
        list_columns("rides", pa.RecordBatch.from_pydict(plain)),
    )
    inputs = span_inputs(world.folder / "made" / span, span)
    inputs["examples"] = standard_artifacts.Examples()
    inputs["examples"].uri = str(folder)
    inputs["examples"].split_names = artifact_utils.encode_split_names(["serving", "labelled"])
    rows = SERVED + LABELLED
    report = PrivacyReport(
        rows_read=rows, rows_written=rows, fields=[], findings=[], key_version=1, input_purged=True
    )
    inputs["privacy"] = holding(artifacts.PrivacyReport(), world.folder / f"privacy-{i}", report)
    record(world.history.root, span, inputs)
    if measured:
        _measure(world.config, world.history, span)
    if i == 0:
        push = Push(model="/serving/2", candidate="from_scratch", trained_on=["baseline", span])
        world.history.complete_span(span, push, "push", lambda folder: None)


def _measure(config: VigilConfig, history: History, span: str) -> None:
    """Puts the documents of these very rows in place of those that ``span_inputs`` made up."""
    made_up = history.record(span)

    def fill(folder: str) -> None:
        copy_tree(history.path(made_up), folder)
        recompute_span(config, history, made_up, folder)

    history.write_span(made_up, fill)
    history.sweep()
