"""A cluster in one process: runs a compiled pipeline node by node, as the backend does.

Written after the source of Kubeflow Pipelines' driver, launcher and Argo compiler, of which it
keeps what a TFX pipeline can notice: where inputs come from and which types they have then, when
a task is skipped, where outputs lie, what a pod may and may not do, what is retried or reused.
"""

from __future__ import annotations

import copy
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from . import conditions, inputs
from .launcher import Launcher
from .ledger import Ledger, Outputs, fingerprint
from .pods import Pods
from .spec import Compiled, Task
from .store import Store

_DEFAULT_ROOT = "minio://mlpipeline/v2/artifacts"


class State(Enum):
    """``SKIPPED``: its condition was false. ``OMITTED``: a task before it did not succeed."""

    SUCCEEDED = "succeeded"
    CACHED = "cached"
    SKIPPED = "skipped"
    OMITTED = "omitted"


_DONE = (State.SUCCEEDED, State.CACHED)


@dataclass(repr=False)
class Run:
    """A run of a pipeline, so far."""

    id: str
    compiled: Compiled
    parameters: dict[str, struct_pb2.Value]
    states: dict[str, State] = field(default_factory=dict)
    inputs: dict[str, pb.ExecutorInput] = field(default_factory=dict)
    outputs: dict[str, Outputs] = field(default_factory=dict)

    def tasks(self, *states: State) -> set[str]:
        return {name for name, state in self.states.items() if state in states}


class Cluster:
    """Object store, metadata, volumes and pods in a folder of this machine.

    Args:
      volumes: the claims there are; each is a folder below ``folder``.
      secrets: name -> key -> value.
      cache: whether executions are reused where a task allows it.
    """

    def __init__(
        self,
        folder: Path,
        pods: Pods,
        volumes: list[str],
        secrets: Mapping[str, Mapping[str, str]],
        cache: bool = True,
    ):
        self.folder, self.pods, self.secrets, self.cache = folder, pods, secrets, cache
        self.volumes = {claim: folder / "volumes" / claim for claim in volumes}
        self.store = Store(folder / "store")
        self.ledger = Ledger()
        for place in (self.store.root, folder / "scratch", *self.volumes.values()):
            place.mkdir(parents=True, exist_ok=True)

    def run(
        self,
        compiled: Compiled,
        parameters: Mapping[str, Any] | None = None,
        before: Callable[[str, Run], None] = lambda name, run: None,
    ) -> Run:
        """Runs the whole pipeline.

        Args:
          parameters: of the run; the others have their defaults.
          before: called with each task's name before it is executed.

        Raises:
          ConditionError, InputError, TaskFailed: the run failed; nothing was started after it.
        """
        given = {name: _value(value) for name, value in (parameters or {}).items()}
        if unknown := sorted(set(given) - set(compiled.parameters)):
            raise inputs.InputError(f"the pipeline has no parameters {unknown}")
        run = Run(str(uuid.uuid4()), compiled, {**compiled.parameters, **given})
        for task in compiled.tasks:
            needed = [run.states.get(name) for name in task.spec.dependent_tasks]
            if not all(state in _DONE for state in needed):
                run.states[task.name] = State.OMITTED
                continue
            before(task.name, run)
            self.execute(run, task.name)
        return run

    def execute(self, run: Run, name: str) -> State:
        """Resolves the task's inputs, asks its condition, and launches it unless cached."""
        task = run.compiled.task(name)
        executor_input = inputs.resolve(task, run.parameters, run.outputs)
        condition = task.spec.trigger_policy.condition
        if condition and not conditions.holds(condition, executor_input):
            run.states[name] = State.SKIPPED
            return State.SKIPPED
        root = run.compiled.pipeline_root or _DEFAULT_ROOT
        place = f"{root.rstrip('/')}/{run.compiled.name}/{run.id}"
        inputs.provision(executor_input, task, place, str(uuid.uuid4()))
        run.inputs[name] = executor_input
        key = self._fingerprint(task, executor_input)
        if key in self.ledger.cache:
            run.outputs[name] = self.ledger.cache[key]
            run.states[name] = State.CACHED
            return State.CACHED
        self.again(run, name)
        if key:
            self.ledger.cache[key] = run.outputs[name]
        run.states[name] = State.SUCCEEDED
        return State.SUCCEEDED

    def again(self, run: Run, name: str) -> None:
        """Launches the task with the inputs it has had, as when its success was not noticed."""
        launcher = Launcher(
            self.store,
            self.ledger,
            self.pods,
            self.volumes,
            self.secrets,
            self.folder / "scratch",
        )
        run.outputs[name] = launcher.launch(run.compiled.task(name), run.inputs[name])

    def copy(self, folder: Path, run: Run) -> tuple[Cluster, Run]:
        """This cluster as it is now, in another folder and without a cache; and the run in it."""
        shutil.copytree(self.folder, folder)
        twin = Cluster(folder, self.pods, list(self.volumes), self.secrets, cache=False)
        twin.ledger = copy.deepcopy(self.ledger)
        return twin, copy.deepcopy(run)

    def _fingerprint(self, task: Task, executor_input: pb.ExecutorInput) -> str | None:
        if self.cache and task.spec.caching_options.enable_cache:
            return fingerprint(task, task.container["image"], executor_input)
        return None


def _value(value: Any) -> struct_pb2.Value:
    return json_format.ParseDict(value, struct_pb2.Value())
