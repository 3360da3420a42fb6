"""WindowResolver: which span a run is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx.dsl.components.base import base_component, executor_spec
from tfx.orchestration.data_types import RuntimeParameter
from tfx.types import component_spec, standard_artifacts
from tfx.types.channel_utils import as_channel

from ...beam_jobs.ingest_config import IngestConfig
from ...beam_jobs.parameters import to_json
from ..spans import SpanConfig
from . import executor as keys

_OUTPUTS = (keys.SPAN, keys.START, keys.END, keys.FINGERPRINT)


class WindowResolverSpec(component_spec.ComponentSpec):
    PARAMETERS = {
        keys.HISTORY_ROOT: component_spec.ExecutionParameter(type=str),
        keys.SPANS: component_spec.ExecutionParameter(type=str),
        keys.INGEST: component_spec.ExecutionParameter(type=str),
        keys.WINDOW_START: component_spec.ExecutionParameter(type=str),
        keys.WINDOW_END: component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {
        key: component_spec.ChannelParameter(type=standard_artifacts.String) for key in _OUTPUTS
    }


class WindowResolver(base_component.BaseComponent):
    """Decides once, for every node of a run, which span the run is about.

    A pipeline that a server schedules cannot be told its window beforehand: an outage would
    leave a gap. So each run takes the window that is due: the oldest span that was interrupted,
    or else the one after the newest in the history.

    Outputs, all String artifacts; other nodes take their ``.future()[0].value``:
      span: the span's name; custom property ``due`` is 0 when no window has ended since the last
        run, and then every value is empty.
      start, end: the window [start, end), ISO 8601.
      fingerprint: digest of the window's input files (``beam_jobs.ingest_logs.fingerprint``).
    """

    SPEC_CLASS = WindowResolverSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(keys.Executor)

    def __init__(
        self,
        history_root: str | RuntimeParameter,
        spans: SpanConfig | Mapping[str, Any] | str,
        ingest: IngestConfig | Mapping[str, Any] | str,
        window_start: str | RuntimeParameter = "",
        window_end: str | RuntimeParameter = "",
    ):
        """Makes the node.

        Args:
          spans: the windows there are.
          ingest: LogIngest's parameters, for the fingerprint.
          window_start, window_end: this window in place of the next; both or neither.
        """
        super().__init__(
            WindowResolverSpec(
                history_root=history_root,
                spans=to_json(SpanConfig, spans),
                ingest=to_json(IngestConfig, ingest),
                window_start=window_start,
                window_end=window_end,
                **{key: as_channel([standard_artifacts.String()]) for key in _OUTPUTS},
            )
        )
