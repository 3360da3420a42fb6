"""tfx-vigil's parts on a stream, without an orchestrator: configuration, logs, components."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from policies_streams import LABEL, LABEL_TIME, TIME, Stream
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types import Artifact
from tfx_vigil.beam_jobs.engine import in_process_by_default
from tfx_vigil.beam_jobs.reports import Report
from tfx_vigil.pipelines.config import VigilConfig


def vigil_config(
    stream: Stream, folder: Path, policy: Mapping[str, Any] = MappingProxyType({})
) -> VigilConfig:
    """A vigil.yaml of the stream: all by default but what the stream is, and the policy.

    No model is a SavedModel, so none is tried as a server would.
    """
    return VigilConfig.model_validate(
        {
            "model": {
                "name": "stream",
                "features": dict(stream.features),
                "serving_dir": f"{folder}/serving",
            },
            "baseline": {"training_data": f"{folder}/training.parquet", "label": LABEL},
            "spans": stream.spans,
            "logs": {
                "format": "json_lines",
                "files": f"{folder}/logs/*.jsonl",
                "ground_truth": {"files": f"{folder}/truth/*.jsonl"},
                "horizon_days": stream.horizon_days,
            },
            "privacy": {"default": "keep"},
            "slices": stream.slices,
            "policy": {**policy, "push": {"serving": None}},
            "metrics": {"search": None, "estimate": False},
            "runtime": {
                "pipeline_root": f"{folder}/pipeline",
                "history_root": f"{folder}/history",
            },
        }
    )


def write_logs(
    stream: Stream,
    requests: pd.DataFrame,
    scores: np.ndarray,
    version: str,
    span: str,
    folder: Path,
) -> None:
    """The span's serving log and its ground truth, as JSON Lines."""
    ids = [f"{span}/{n}" for n in range(len(requests))]
    logged = requests[[*stream.features, TIME]].assign(
        request_id=ids, prediction=scores, model_version=version
    )
    truth = pd.DataFrame({"request_id": ids, "time": list(requests[LABEL_TIME])})
    truth[LABEL] = list(requests[LABEL])
    for place, rows in (("logs", logged), ("truth", truth)):
        (folder / place).mkdir(parents=True, exist_ok=True)
        rows.to_json(
            folder / place / f"{span}.jsonl",
            orient="records",
            lines=True,
            date_format="iso",
            date_unit="us",
        )


def launch(node: BaseComponent, folder: Path, known: bool = False) -> dict[str, Artifact]:
    """Runs the component's executor as an orchestrator would; returns what it wrote.

    Args:
      known: it was run before in this folder.
    """
    outputs = {}
    for key, channel in node.outputs.items():
        outputs[key] = channel.type()
        outputs[key].uri = f"{folder}/{node.id}/{key}"
        Path(outputs[key].uri).mkdir(parents=True, exist_ok=True)
    if not known:
        inputs = {key: list(channel.get()) for key, channel in node.inputs.items()}
        with in_process_by_default():
            node.executor_spec.executor_class().Do(
                inputs, {key: [artifact] for key, artifact in outputs.items()}, node.exec_properties
            )
    return outputs


def write_all(folder: str, reports: dict[str, Report | None]) -> None:
    for name, report in reports.items():
        if report:
            Path(folder, f"{name}.json").write_text(report.model_dump_json())
