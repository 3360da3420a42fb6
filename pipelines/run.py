"""Runs the monitoring pipeline on this machine, one span at a time."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from absl import logging as absl_logging
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline

from ..beam_jobs.engine import in_process_by_default
from ..beam_jobs.ingest_logs import NoLogs
from ..components.history import History, SpanRecord
from ..components.spans import Window
from .config import VigilConfig
from .lock import exclusive
from .monitoring import Run, monitoring_pipeline
from .raw_guard import no_raw_data_left
from .unfinished_push import withdraw_unfinished

Progress = Callable[[str], None]

_NODE_STARTS = re.compile(r"Component (\S+) is running\.")


class RunFailed(RuntimeError):
    """A node of the pipeline failed; the text names it and gives its own error."""


def run_span(
    config: VigilConfig,
    window: Window,
    on_demand: bool = False,
    progress: Progress = lambda _: None,
) -> SpanRecord:
    """Runs one span and returns its record. Whatever ends it, no raw data is left behind.

    A run that was killed left at most half a span in the history, and a model that it had pushed
    but not recorded: both are removed here before anything is read.

    Raises:
      NoLogs: the window has no logs.
      RunFailed: a node failed.
      Busy: another run has the history.
      Unreachable: nobody answers at a service that ``runtime.beam`` names.
    """
    config.runtime.beam.check_reachable()
    history = History(config.runtime.history_root)
    with exclusive(config), no_raw_data_left(config.raw_data_root):
        history.sweep()
        withdraw_unfinished(history, config.model.serving_dir)
        os.makedirs(config.runtime.pipeline_root, exist_ok=True)
        run = Run(
            history.root,
            window.span,
            window.start.isoformat(),
            window.end.isoformat(),
            int(on_demand),
        )
        pipeline = monitoring_pipeline(config, run)
        with _node_watch(lambda node: progress(f"{window.span}: {node}")) as current:
            _run(pipeline, current)
        record = history.record(window.span)
        if not record.complete:
            raise RunFailed(f"the retraining of {window.span} did not end: run the span again")
        return record


def _run(pipeline: Pipeline, current: list[str]) -> None:
    before = _last_execution(pipeline)
    try:
        with in_process_by_default():
            LocalDagRunner().run(pipeline)
    except NoLogs:
        raise
    except Exception as error:
        node = current[-1] if current else "the pipeline"
        raise RunFailed(f"{node} failed: {error}") from error
    failed = [
        execution
        for execution in _executions(pipeline)
        if execution.id > before and execution.last_known_state != mlmd.Execution.COMPLETE
    ]
    if failed:
        states = ", ".join(
            f"execution {e.id} is {mlmd.Execution.State.Name(e.last_known_state)}" for e in failed
        )
        raise RunFailed(f"not every node completed: {states}")


def _executions(pipeline: Pipeline) -> list[mlmd.Execution]:
    with metadata.Metadata(pipeline.metadata_connection_config) as handle:
        return handle.store.get_executions()


def _last_execution(pipeline: Pipeline) -> int:
    return max((execution.id for execution in _executions(pipeline)), default=0)


@contextmanager
def _node_watch(progress: Progress) -> Iterator[list[str]]:
    """Tells ``progress`` each node that starts; yields the list of those that have.

    The runner says so in TFX's log alone, at INFO. Meanwhile what was shown of that log before
    is still shown, and nothing more.
    """
    started: list[str] = []
    absl, root = logging.getLogger("absl"), logging.getLogger()
    verbosity, level = absl_logging.get_verbosity(), absl.getEffectiveLevel()
    handlers, propagate = absl.handlers, absl.propagate

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if found := _NODE_STARTS.search(record.getMessage()):
                started.append(found[1])
                progress(found[1])
            if record.levelno >= level:
                for handler in [*handlers, *(root.handlers if propagate else [])]:
                    handler.handle(record)

    absl_logging.set_verbosity(absl_logging.INFO)
    absl.handlers, absl.propagate = [Watch()], False
    try:
        yield started
    finally:
        absl.handlers, absl.propagate = handlers, propagate
        absl_logging.set_verbosity(verbosity)
