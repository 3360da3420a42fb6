"""Chooses the window of a run and writes down what identifies it."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from ...beam_jobs import ingest_logs
from ...beam_jobs.ingest_config import IngestConfig
from ..history import History
from ..spans import SpanConfig, Window, next_window, utc

HISTORY_ROOT = "history_root"
SPANS = "spans"
INGEST = "ingest"
WINDOW_START = "window_start"
WINDOW_END = "window_end"
SPAN = "span"
START = "start"
END = "end"
FINGERPRINT = "fingerprint"
DUE = "due"


class Executor(base_executor.BaseExecutor):
    """See WindowResolver."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        outputs = {key: artifact_utils.get_single_instance(a) for key, a in output_dict.items()}
        window = _window(exec_properties)
        outputs[SPAN].set_int_custom_property(DUE, int(window is not None))
        facts = dict.fromkeys((SPAN, START, END, FINGERPRINT), "")
        if window:
            ingest = IngestConfig.model_validate_json(exec_properties[INGEST])
            facts = {
                SPAN: window.span,
                START: window.start.isoformat(),
                END: window.end.isoformat(),
                FINGERPRINT: ingest_logs.fingerprint(ingest, window.start, window.end),
            }
        for key, value in facts.items():
            outputs[key].write(value)


def _window(exec_properties: dict[str, Any]) -> Window | None:
    start, end = exec_properties[WINDOW_START], exec_properties[WINDOW_END]
    if start and end:
        window = Window(utc(start), utc(end))
        if window.start >= window.end:
            raise ValueError(f"window_start {start} is not before window_end {end}")
        return window
    if start or end:
        raise ValueError(
            f"window_start is {start!r} and window_end {end!r}: give both, or neither for the "
            "next window that has not been run"
        )
    history = History(exec_properties[HISTORY_ROOT])
    spans = SpanConfig.model_validate_json(exec_properties[SPANS])
    return next_window(history.all_records(), spans, datetime.now(timezone.utc))
