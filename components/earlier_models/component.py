"""EarlierModels: models that served before the one in service, to be judged beside it."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from .executor import FIRST, HISTORY_ROOT, PREVIOUS, SPAN, Executor


class EarlierModelsSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        SPAN: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {
        PREVIOUS: component_spec.ChannelParameter(type=standard_artifacts.Model),
        FIRST: component_spec.ChannelParameter(type=standard_artifacts.Model),
    }


class EarlierModels(base_component.BaseComponent):
    """Reads the history, in place of Resolver nodes, see BaselineResolver.

    Outputs, each with the custom properties ``available`` (0 where there is none: then it is
    empty) and ``span``, which was the first to push it:
      previous: the Model that served before the one that was in service when the span began.
      first: the Model of the first day, which was never retrained, where another is in service.
    """

    SPEC_CLASS = EarlierModelsSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, history_root: str | RuntimeParameter, span: str | RuntimeParameter):
        """Finds the models in the history at ``history_root``."""
        super().__init__(
            EarlierModelsSpec(
                history_root=history_root,
                span=span,
                previous=as_channel([standard_artifacts.Model()]),
                first=as_channel([standard_artifacts.Model()]),
            )
        )
