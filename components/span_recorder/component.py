"""SpanRecorder: puts a span and the decision about it into the history."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import BaseChannel, component_spec, standard_artifacts

from ..artifacts import (
    DriftReport,
    IngestReport,
    PrivacyReport,
    RetrainDecision,
    SliceReport,
    TrainingPlan,
)
from . import executor as keys


class SpanRecorderSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        keys.SPAN: component_spec.ExecutionParameter(type=str),
        keys.WINDOW_START: component_spec.ExecutionParameter(type=str),
        keys.WINDOW_END: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        keys.EXAMPLES: component_spec.ChannelParameter(type=standard_artifacts.Examples),
        keys.STATISTICS: component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "ingest": component_spec.ChannelParameter(type=IngestReport),
        "privacy": component_spec.ChannelParameter(type=PrivacyReport),
        "drift": component_spec.ChannelParameter(type=DriftReport),
        "slices": component_spec.ChannelParameter(type=SliceReport),
        keys.DECISION: component_spec.ChannelParameter(type=RetrainDecision),
        "plan": component_spec.ChannelParameter(type=TrainingPlan),
    }
    OUTPUTS = {}


class SpanRecorder(base_component.BaseComponent):
    """Writes a span's statistics, labelled rows, reports and decision into the history.

    The span is complete unless the decision is to retrain: then PushRecorder completes it. Only
    protected data may come here: ``examples`` are the PIIPseudonymizer's, split ``labelled`` is
    kept as training data of later spans, and its rows that are restricted are kept aside.
    """

    SPEC_CLASS = SpanRecorderSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(keys.Executor)

    def __init__(
        self,
        history_root: str | RuntimeParameter,
        span: str | RuntimeParameter,
        window_start: str | RuntimeParameter,
        window_end: str | RuntimeParameter,
        examples: BaseChannel,
        statistics: BaseChannel,
        ingest: BaseChannel,
        privacy: BaseChannel,
        drift: BaseChannel,
        slices: BaseChannel,
        decision: BaseChannel,
        plan: BaseChannel,
    ):
        """Records ``span``; ``window_start`` and ``window_end`` are RFC 3339 times."""
        super().__init__(
            SpanRecorderSpec(
                history_root=history_root,
                span=span,
                window_start=window_start,
                window_end=window_end,
                examples=examples,
                statistics=statistics,
                ingest=ingest,
                privacy=privacy,
                drift=drift,
                slices=slices,
                decision=decision,
                plan=plan,
            )
        )
