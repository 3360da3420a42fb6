"""LogIngest: serving logs and ground truth become Examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.orchestration import data_types
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter

from ...beam_jobs.ingest_config import IngestConfig
from ...beam_jobs.parameters import to_json
from ..artifacts import DeadLetters, IngestReport
from .executor import (
    CONFIG_KEY,
    DEAD_LETTERS_KEY,
    EXAMPLES_KEY,
    HISTORY_ROOT_KEY,
    REPORT_KEY,
    WINDOW_END_KEY,
    WINDOW_START_KEY,
    Executor,
)

FINGERPRINT_KEY = "fingerprint"


class LogIngestSpec(types.ComponentSpec):
    PARAMETERS = {
        CONFIG_KEY: ExecutionParameter(type=str),
        WINDOW_START_KEY: ExecutionParameter(type=str),
        WINDOW_END_KEY: ExecutionParameter(type=str),
        FINGERPRINT_KEY: ExecutionParameter(type=str),
        HISTORY_ROOT_KEY: ExecutionParameter(type=str),
    }
    INPUTS = {}
    OUTPUTS = {
        EXAMPLES_KEY: ChannelParameter(type=standard_artifacts.Examples),
        REPORT_KEY: ChannelParameter(type=IngestReport),
        DEAD_LETTERS_KEY: ChannelParameter(type=DeadLetters),
    }


class LogIngest(base_beam_component.BaseBeamComponent):
    """Reads the serving log and the ground truth of one window into Examples.

    Component `outputs` contains:
     - `examples`: `standard_artifacts.Examples` of tf.Examples, one a logged instance: its
       features under their own names, `prediction`, `label` and the `log_` columns of
       `beam_jobs.ingest_config.FIXED_COLUMNS`, in plain TFRecords. Split `serving` holds the
       requests of the window, split `labelled` those whose ground truth came in the window; see
       `beam_jobs.join_ground_truth`. It may hold personal data: on a local disk only its
       owner can read it. Custom properties `rows`, `labelled_rows`, `dead_letters` (ints).
     - `report`: `tfx_vigil.IngestReport`, what was read, kept, joined and refused; the same
       custom properties.
     - `dead_letters`: `tfx_vigil.DeadLetters`, the records that could not be read; custom
       property `dead_letters`.

    Args:
      config: IngestConfig, or a mapping or JSON of its keys.
      window_start, window_end: RFC 3339 times, the window is [start, end).
      fingerprint: no part of the work. With caching on, TFX takes a run for a repetition when
        the parameters are the same; put `beam_jobs.ingest_logs.fingerprint(...)` here, so that
        new or changed files make it a run of its own.
      history_root: a history whose earlier windows red flags are raised against; without one
        only what the window says of itself can show.

    Raises:
      pydantic.ValidationError: names each offending key of `config`.
      NoLogs (when it runs): no file matches, or nothing in the files belongs to the window. An
        empty span is a broken log rather than a quiet day, so it is never passed on.
    """

    SPEC_CLASS = LogIngestSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        config: IngestConfig | Mapping[str, Any] | str,
        window_start: str | data_types.RuntimeParameter,
        window_end: str | data_types.RuntimeParameter,
        fingerprint: str | data_types.RuntimeParameter = "",
        history_root: str | data_types.RuntimeParameter = "",
    ):
        spec = LogIngestSpec(
            config=to_json(IngestConfig, config),
            window_start=window_start,
            window_end=window_end,
            fingerprint=fingerprint,
            history_root=history_root,
            examples=types.Channel(type=standard_artifacts.Examples),
            report=types.Channel(type=IngestReport),
            dead_letters=types.Channel(type=DeadLetters),
        )
        super().__init__(spec=spec)
