"""Completes a span's record after training and push."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from ...beam_jobs.reports import read_report
from ..history import FINE_TUNED, FROM_SCRATCH, PREVIOUS, History, Push, copy_tree
from ..retrain_gate.decision import RetrainDecision, TrainingPlan
from ..span_recorder.executor import copy_report

HISTORY_ROOT = "history_root"
SPAN = "span"
DECISION = "decision"
PLAN = "plan"
STATISTICS = "training_statistics"
SERVING = "serving"
FINE_TUNED_OLD = "fine_tuned_old"
FROM_SCRATCH_OLD = "from_scratch_old"
PUSHED_MODEL = "pushed_model"


class Executor(base_executor.BaseExecutor):
    """See PushRecorder."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        inputs = {key: artifact_utils.get_single_instance(a) for key, a in input_dict.items() if a}
        decision = read_report(inputs[DECISION].uri, RetrainDecision)
        plan = read_report(inputs[PLAN].uri, TrainingPlan)
        pushed = inputs[PUSHED_MODEL]
        history, span = History(exec_properties[HISTORY_ROOT]), exec_properties[SPAN]

        push = None
        if pushed.get_int_custom_property("pushed"):
            learned, restores = plan.spans, None
            if decision.chosen == PREVIOUS:
                previous = history.previous_model(before=span)
                learned, restores = previous.trained_on, previous.span
            push = Push(
                model=pushed.get_string_custom_property("pushed_destination"),
                candidate=decision.chosen,
                trained_on=learned,
                restores=restores,
            )

        def fill(folder: str) -> None:
            copy_report(inputs[DECISION], folder, "push")
            for name in (FINE_TUNED, FROM_SCRATCH, PREVIOUS, SERVING):
                copy_report(inputs[name], folder, name)
            for name in (FINE_TUNED_OLD, FROM_SCRATCH_OLD):
                if name in inputs:
                    copy_report(inputs[name], folder, name)
            copy_tree(inputs[STATISTICS].uri, os.path.join(folder, STATISTICS))

        history.complete_span(span, push, decision.action, fill)
