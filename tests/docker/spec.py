"""The two documents of a compiled pipeline, as the backend reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

_GIGABYTE = 10**9


@dataclass(frozen=True, repr=False)
class Task:
    """A task of the root DAG with everything that is needed to run it.

    Attributes:
      container: command, args, image, env and resources, as in the deployment spec.
      platform: what the platform spec adds: pvcMount, secretAsEnv, activeDeadlineSeconds.
    """

    name: str
    spec: pb.PipelineTaskSpec
    component: pb.ComponentSpec
    container: dict[str, Any]
    platform: dict[str, Any] = field(default_factory=dict)

    @property
    def attempts(self) -> int:
        return 1 + self.spec.retry_policy.max_retry_count

    @property
    def memory_limit(self) -> int | None:
        """In bytes; a bare number in the spec is in units of 10^9."""
        resources = self.container.get("resources", {})
        limit = resources.get("resourceMemoryLimit") or resources.get("memoryLimit")
        if isinstance(limit, str):
            limit = float(limit.removesuffix("G"))
        return int(limit * _GIGABYTE) if limit else None


@dataclass(frozen=True, repr=False)
class Compiled:
    """A pipeline: its name, its root's parameters, and its tasks in an order they can run in."""

    name: str
    pipeline_root: str
    parameters: dict[str, Any]
    tasks: list[Task]

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)


def load(text: str) -> Compiled:
    """Reads a PipelineSpec 2.1, with or without a platform spec behind it.

    Raises:
      ValueError: a task is not a container, or the schema's version is not 2.1.0.
    """
    documents = list(yaml.safe_load_all(text))
    document, platform = documents[0], (documents[1] if len(documents) > 1 else {})
    spec = json_format.ParseDict(document, pb.PipelineSpec(), ignore_unknown_fields=True)
    if spec.schema_version != "2.1.0":
        raise ValueError(f"schemaVersion {spec.schema_version!r}: the backend takes 2.1.0 only")
    executors = document["deploymentSpec"]["executors"]
    pods = (
        platform.get("platforms", {})
        .get("kubernetes", {})
        .get("deploymentSpec", {})
        .get("executors", {})
    )
    tasks = []
    for name in _in_order(spec.root.dag.tasks):
        task = spec.root.dag.tasks[name]
        component = spec.components[task.component_ref.name]
        label = component.executor_label
        if "container" not in executors.get(label, {}):
            raise ValueError(f"{name}: executor {label!r} is not a container")
        tasks.append(
            Task(name, task, component, executors[label]["container"], pods.get(label, {}))
        )
    defaults = {
        name: parameter.default_value
        for name, parameter in spec.root.input_definitions.parameters.items()
        if parameter.HasField("default_value")
    }
    return Compiled(spec.pipeline_info.name, spec.default_pipeline_root, defaults, tasks)


def _in_order(tasks: Any) -> list[str]:
    """As Argo does, by ``dependentTasks`` alone: a producer that is not among them may be late."""
    graph = {name: set(tasks[name].dependent_tasks) for name in sorted(tasks)}
    if unknown := set().union(*graph.values()) - set(graph):
        raise ValueError(f"dependentTasks names {sorted(unknown)}: no such task")
    return list(TopologicalSorter(graph).static_order())
