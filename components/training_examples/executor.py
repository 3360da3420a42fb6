"""Runs the job that selects a plan's training rows."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import json_utils

from ...beam_jobs.reports import read_report
from ...beam_jobs.select_training_rows import EVAL, OLD, TRAIN, select_training_rows
from ..history import History
from ..retrain_gate.decision import TrainingPlan
from ..retrain_gate.training_policy import learnable

HISTORY_ROOT = "history_root"
COLUMNS = "columns"
PLAN = "plan"
EXAMPLES = "examples"


class Executor(base_beam_executor.BaseBeamExecutor):
    """See TrainingExamples."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        plan = read_report(artifact_utils.get_single_uri(input_dict[PLAN]), TrainingPlan)
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        splits = [TRAIN, EVAL, OLD] if plan.old_holdout else [TRAIN, EVAL]
        examples.split_names = artifact_utils.encode_split_names(splits)
        history = History(exec_properties[HISTORY_ROOT])
        patterns = {
            f"{history.labelled_path(span)}/*": plan.weights.get(span, 1.0) for span in plan.spans
        }
        columns = json_utils.loads(exec_properties[COLUMNS])
        with self._make_beam_pipeline() as pipeline:
            select_training_rows(
                pipeline,
                patterns,
                plan.holdout,
                plan.old_holdout,
                columns,
                examples.uri,
                learnable(columns, plan.features, plan.label) if plan.weigh_rows else (),
            )
