"""TrainingExamples: the rows a retrained model learns from."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel
from tfx.utils import json_utils

from ..artifacts import TrainingPlan
from . import executor as keys


class TrainingExamplesSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        keys.COLUMNS: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {keys.PLAN: component_spec.ChannelParameter(type=TrainingPlan)}
    OUTPUTS = {keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class TrainingExamples(base_beam_component.BaseBeamComponent):
    """Makes Examples out of the labelled rows of the spans that a TrainingPlan names.

    Outputs:
      examples: Examples with splits ``train`` and ``eval``, ready for the stock Trainer;
        ``eval`` are the plan's held-out rows, the newest of the newest span. Where the plan keeps
        out a share ``old_holdout`` of the others, a third split ``old`` has them. Where it weighs
        spans or rows, a column ``training_weight`` has the weight of each row.
    """

    SPEC_CLASS = TrainingExamplesSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(keys.Executor)

    def __init__(self, plan: BaseChannel, history_root: str | RuntimeParameter, columns: list[str]):
        """Keeps ``columns`` of the spans that ``plan`` names in the history."""
        super().__init__(
            TrainingExamplesSpec(
                plan=plan,
                history_root=history_root,
                columns=json_utils.dumps(columns),
                examples=as_channel([standard_artifacts.Examples()]),
            )
        )
