"""PushRecorder: puts what came of a retraining into the history."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, component_spec, standard_artifacts

from ..artifacts import RetrainDecision, ServingReport, SliceReport, TrainingPlan
from . import executor as keys


class PushRecorderSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        keys.SPAN: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        keys.DECISION: component_spec.ChannelParameter(type=RetrainDecision),
        keys.PLAN: component_spec.ChannelParameter(type=TrainingPlan),
        keys.STATISTICS: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        keys.FINE_TUNED: component_spec.ChannelParameter(type=SliceReport),
        keys.FROM_SCRATCH: component_spec.ChannelParameter(type=SliceReport),
        keys.PREVIOUS: component_spec.ChannelParameter(type=SliceReport),
        keys.FINE_TUNED_OLD: component_spec.ChannelParameter(type=SliceReport, optional=True),
        keys.FROM_SCRATCH_OLD: component_spec.ChannelParameter(type=SliceReport, optional=True),
        keys.SERVING: component_spec.ChannelParameter(type=ServingReport),
        keys.PUSHED_MODEL: component_spec.ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS = {}


class PushRecorder(base_component.BaseComponent):
    """Completes a span whose decision was to retrain, after the stock Pusher has run.

    It adds the candidates' reports, the push decision and the training statistics to the span
    and, when the Pusher did push, points the history to the pushed model.
    """

    SPEC_CLASS = PushRecorderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(keys.Executor)

    def __init__(
        self,
        history_root: str | RuntimeParameter,
        span: str | RuntimeParameter,
        decision: BaseChannel,
        plan: BaseChannel,
        training_statistics: BaseChannel,
        fine_tuned: BaseChannel,
        from_scratch: BaseChannel,
        previous: BaseChannel,
        serving: BaseChannel,
        pushed_model: BaseChannel,
        fine_tuned_old: BaseChannel | None = None,
        from_scratch_old: BaseChannel | None = None,
    ):
        """Completes ``span``.

        Args:
          decision: the push gate's.
          fine_tuned, from_scratch, previous: the candidates' SliceReports.
          serving: how they serve.
          fine_tuned_old, from_scratch_old: their SliceReports on old rows.
        """
        super().__init__(
            PushRecorderSpec(
                history_root=history_root,
                span=span,
                decision=decision,
                plan=plan,
                training_statistics=training_statistics,
                fine_tuned=fine_tuned,
                from_scratch=from_scratch,
                previous=previous,
                serving=serving,
                fine_tuned_old=fine_tuned_old,
                from_scratch_old=from_scratch_old,
                pushed_model=pushed_model,
            )
        )
