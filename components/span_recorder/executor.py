"""Copies a span's artifacts into the history."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from ...beam_jobs.reports import FILE_NAME, read_report
from ...beam_jobs.subjects.places import RESTRICTED, restricted_prefix
from ..history import History, SpanRecord, copy_tree
from ..retrain_gate.decision import RetrainDecision

HISTORY_ROOT = "history_root"
SPAN = "span"
WINDOW_START = "window_start"
WINDOW_END = "window_end"
EXAMPLES = "examples"
STATISTICS = "statistics"
DECISION = "decision"

_REPORTS = ("ingest", "privacy", "drift", "slices", "decision", "plan")
LABELLED = "labelled"


class Executor(base_executor.BaseExecutor):
    """See SpanRecorder."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        inputs = {key: artifact_utils.get_single_instance(a) for key, a in input_dict.items()}
        decision = read_report(inputs[DECISION].uri, RetrainDecision)

        def fill(folder: str) -> None:
            for name in _REPORTS:
                copy_report(inputs[name], folder, name)
            copy_tree(inputs[STATISTICS].uri, os.path.join(folder, STATISTICS))
            labelled = artifact_utils.get_split_uri([inputs[EXAMPLES]], LABELLED)
            copy_tree(labelled, os.path.join(folder, LABELLED))
            _copy_restricted(labelled, os.path.join(folder, RESTRICTED))

        record = SpanRecord(
            span=exec_properties[SPAN],
            window_start=exec_properties[WINDOW_START],
            window_end=exec_properties[WINDOW_END],
            revision="",
            complete=not decision.retrain,
            action=decision.action,
            examples=inputs[EXAMPLES].uri,
        )
        History(exec_properties[HISTORY_ROOT]).write_span(record, fill)


def _copy_restricted(labelled: str, folder: str) -> None:
    """Copies the labelled rows that are kept aside; no others are kept of a span."""
    for path in fileio.glob(f"{restricted_prefix(labelled)}.*"):
        fileio.makedirs(folder)
        fileio.copy(path, os.path.join(folder, os.path.basename(path)), overwrite=True)


def copy_report(artifact: types.Artifact, folder: str, name: str) -> None:
    """Copies the report of ``artifact`` to ``folder/name.json``."""
    fileio.copy(
        os.path.join(artifact.uri, FILE_NAME), os.path.join(folder, f"{name}.json"), overwrite=True
    )
