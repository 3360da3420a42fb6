"""Kills a span's last steps, from decision to history, at each of their file operations.

    python -m tests.pipelines.killed_runs FOLDER

Each run is a process of its own in ``FOLDER/<n>``, killed before its n-th operation, then made
again; the last one was not killed. Prints how each second run ended.
"""

import os
import signal
import sys
from itertools import count
from pathlib import Path

from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx_vigil.components import artifacts
from tfx_vigil.components.history import BaselineRecord, History
from tfx_vigil.components.push_recorder.executor import Executor as PushRecorder
from tfx_vigil.pipelines.unfinished_push import withdraw_unfinished

from ..components.evidence import candidate, holding, serving
from ..components.recorded_spans import (
    decision,
    model_of,
    push,
    record,
    rows,
    span_inputs,
    statistics_of_splits,
)

SPAN = "2026-01-01"
OPERATIONS = ("copy", "open", "rename", "rmtree")


def main(folder: Path) -> None:
    inputs = folder / "inputs"
    recorded = span_inputs(inputs, SPAN, action="retrain")
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(inputs / "blessing")
    blessing.set_int_custom_property("blessed", 1)
    model = model_of(inputs / "model", "graph")
    pushed = {
        "decision": holding(
            artifacts.RetrainDecision(), inputs / "push", decision(SPAN, "push", "fine_tuned")
        ),
        "plan": recorded["plan"],
        "training_statistics": statistics_of_splits(inputs / "trained", train=rows(0, 30)),
        "fine_tuned": holding(artifacts.SliceReport(), inputs / "fine", candidate(0.5)),
        "from_scratch": holding(artifacts.SliceReport(), inputs / "scratch", candidate(0.6)),
        "previous": holding(artifacts.SliceReport(), inputs / "previous", candidate(0.7)),
        "serving": holding(artifacts.ServingReport(), inputs / "serving_checks", serving()),
    }

    def run(place: Path) -> None:
        history = History(str(place / "history"))
        history.sweep()
        withdraw_unfinished(history, str(place / "serving"))
        if history.spans():
            return
        record(history.root, SPAN, recorded)
        found = {**pushed, "pushed_model": push(model, blessing, place)}
        PushRecorder().Do(
            {key: [artifact] for key, artifact in found.items()},
            {},
            {"history_root": history.root, "span": SPAN},
        )

    for n in count(1):
        place = folder / str(n)
        History(str(place / "history")).write_baseline(BaselineRecord(model="/first", rows=9))
        killed = in_child(lambda place=place, n=n: (die_at(n), run(place)))
        print(n, killed, in_child(lambda place=place: run(place)), flush=True)
        if not killed:
            return


def in_child(work) -> int:
    """How a child process ended: 0, or the signal or exit code."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def die_at(n: int) -> None:
    """This process is killed before its n-th file operation."""
    left = [n]

    def counted(operation):
        def replacement(*args, **kwargs):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            return operation(*args, **kwargs)

        return replacement

    for name in OPERATIONS:
        setattr(fileio, name, counted(getattr(fileio, name)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
