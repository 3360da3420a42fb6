"""BaselineResolver: what this span is to be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from ...beam_jobs.parameters import to_json
from .executor import (
    HISTORY_ROOT,
    MODEL,
    PREDICTION,
    REFERENCE_STATISTICS,
    REFERENCES,
    SCHEMA,
    SPAN,
    TRAINING_STATISTICS,
    Executor,
)
from .references import References


class BaselineResolverSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        SPAN: component_spec.ExecutionParameter(type=str),
        PREDICTION: component_spec.ExecutionParameter(type=str),
        REFERENCES: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {
        SCHEMA: component_spec.ChannelParameter(type=standard_artifacts.Schema),
        TRAINING_STATISTICS: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        REFERENCE_STATISTICS: component_spec.ChannelParameter(
            type=standard_artifacts.ExampleStatistics
        ),
        MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class BaselineResolver(base_component.BaseComponent):
    """Reads the history up to a span, in place of Resolver nodes.

    Open-source Kubeflow Pipelines rejects resolver executors; this is an ordinary component, so
    a pipeline behaves the same on every orchestrator. An old span that is run again gets the
    baselines of its own time.

    Outputs, empty where the history has nothing yet:
      schema: Schema the data is held to.
      training_statistics: ExampleStatistics (split ``train``) of the data the model in service
        was trained on.
      reference_statistics: ExampleStatistics of each reference span in ``Span-<span>``, laid out
        there as usual (``Split-<split>/...``); without the prediction where another model made
        it, since predictions of two models tell nothing about drift.
      model: the Model in service, in the layout that Trainer's ``base_model`` reads; custom
        properties ``available`` (0 or 1), ``span`` (the span that pushed it) and ``path``.
    """

    SPEC_CLASS = BaselineResolverSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        history_root: str | RuntimeParameter,
        span: str | RuntimeParameter,
        prediction: str = "prediction",
        references: References | Mapping[str, Any] | str = References(),  # noqa: B008
    ):
        """Resolves the baselines of ``span`` from the history at ``history_root``.

        Args:
          prediction: column of the logged prediction.
          references: which earlier spans are the reference.
        """
        super().__init__(
            BaselineResolverSpec(
                history_root=history_root,
                span=span,
                prediction=prediction,
                references=to_json(References, references),
                schema=as_channel([standard_artifacts.Schema()]),
                training_statistics=as_channel([standard_artifacts.ExampleStatistics()]),
                reference_statistics=as_channel([standard_artifacts.ExampleStatistics()]),
                model=as_channel([standard_artifacts.Model()]),
            )
        )
