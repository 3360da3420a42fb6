"""PreviousModel: the model that served before the one in service, as one more candidate."""

from __future__ import annotations

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from .executor import HISTORY_ROOT, MODEL, SPAN, Executor


class PreviousModelSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        SPAN: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {MODEL: component_spec.ChannelParameter(type=standard_artifacts.Model)}


class PreviousModel(base_component.BaseComponent):
    """Reads the history, in place of a Resolver node, see BaselineResolver.

    Outputs:
      model: the Model that served before the one that was in service when the span began; custom
        properties ``available`` (0 where there is none: then it is empty) and ``span``, which
        was the first to push it.
    """

    SPEC_CLASS = PreviousModelSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, history_root: str | RuntimeParameter, span: str | RuntimeParameter):
        """Finds the model in the history at ``history_root``."""
        super().__init__(
            PreviousModelSpec(
                history_root=history_root,
                span=span,
                model=as_channel([standard_artifacts.Model()]),
            )
        )
