"""What a task is given: inputs resolved from upstream, outputs provisioned under the root."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from .ledger import Outputs
from .spec import Task
from .store import local_path

_NUMBERS = ("NUMBER_DOUBLE", "NUMBER_INTEGER")
_KINDS = {
    "string_value": ("STRING",),
    "number_value": _NUMBERS,
    "bool_value": ("BOOLEAN",),
    "list_value": ("LIST",),
    "struct_value": ("STRUCT",),
}


class InputError(RuntimeError):
    """The backend cannot make a task's inputs; the run fails."""


def resolve(
    task: Task, root: Mapping[str, struct_pb2.Value], upstream: Mapping[str, Outputs]
) -> pb.ExecutorInput:
    """The task's inputs.

    Args:
      root: parameters of the run.
      upstream: outputs of the tasks that have succeeded.
    """
    executor_input = pb.ExecutorInput()
    inputs = executor_input.inputs
    for name, source in task.spec.inputs.parameters.items():
        inputs.parameter_values[name].CopyFrom(_parameter(task, name, source, root, upstream))
    for name, source in task.spec.inputs.artifacts.items():
        inputs.artifacts[name].artifacts.append(_artifact(task, name, source, upstream))
    _convert(task, inputs)
    return executor_input


def _parameter(
    task: Task,
    name: str,
    source: pb.TaskInputsSpec.InputParameterSpec,
    root: Mapping[str, struct_pb2.Value],
    upstream: Mapping[str, Outputs],
) -> struct_pb2.Value:
    kind = source.WhichOneof("kind")
    if kind == "component_input_parameter":
        if source.component_input_parameter not in root:
            raise InputError(f"{task.name}.{name}: the run has no parameter of that name")
        return root[source.component_input_parameter]
    if kind == "task_output_parameter":
        output = source.task_output_parameter
        made = _producer(task, name, output.producer_task, upstream).parameters
        if output.output_parameter_key not in made:
            raise InputError(
                f"{task.name}.{name}: {output.producer_task} has no output parameter "
                f"{output.output_parameter_key!r}"
            )
        return made[output.output_parameter_key]
    if kind == "runtime_value" and source.runtime_value.WhichOneof("value") == "constant":
        return source.runtime_value.constant
    raise InputError(f"{task.name}.{name}: the backend cannot resolve {kind}")


def _artifact(
    task: Task,
    name: str,
    source: pb.TaskInputsSpec.InputArtifactSpec,
    upstream: Mapping[str, Outputs],
) -> pb.RuntimeArtifact:
    if source.WhichOneof("kind") != "task_output_artifact":
        raise InputError(f"{task.name}.{name}: only outputs of tasks are supported")
    output = source.task_output_artifact
    made = _producer(task, name, output.producer_task, upstream).artifacts
    if output.output_artifact_key not in made:
        raise InputError(
            f"{task.name}.{name}: {output.producer_task} has no output artifact "
            f"{output.output_artifact_key!r}"
        )
    return made[output.output_artifact_key]


def _producer(task: Task, name: str, producer: str, upstream: Mapping[str, Outputs]) -> Outputs:
    if producer not in upstream:
        raise InputError(f"{task.name}.{name}: the producer task {producer!r} has not run")
    return upstream[producer]


def _convert(task: Task, inputs: pb.ExecutorInput.Inputs) -> None:
    """Any value is text where text is expected; every other mismatch is an error."""
    for name, spec in task.component.input_definitions.parameters.items():
        expected = pb.ParameterType.ParameterTypeEnum.Name(spec.parameter_type)
        if name not in inputs.parameter_values:
            if not spec.HasField("default_value") and not spec.is_optional:
                raise InputError(f"{task.name}.{name}: neither a value nor a default")
            continue
        value = inputs.parameter_values[name]
        kind = value.WhichOneof("kind")
        if expected == "STRING":
            value.CopyFrom(struct_pb2.Value(string_value=text(value)))
        elif expected not in _KINDS.get(kind, ()):
            raise InputError(f"{task.name}.{name}: expects {expected}, got {kind}")


def text(value: struct_pb2.Value) -> str:
    """A parameter as text: ``1`` for 1.0, JSON for lists and structs."""
    kind = value.WhichOneof("kind")
    if kind in (None, "null_value"):
        return ""
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    return to_json(value)


def to_json(message: Message) -> str:
    """The message as Go's protojson writes it: 1.0 is ``1``."""
    return json.dumps(_go(json_format.MessageToDict(message)))


def _go(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _go(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_go(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def provision(executor_input: pb.ExecutorInput, task: Task, root: str, salt: str) -> None:
    """Adds the outputs: a place for each, new in each execution.

    Args:
      root: pipeline root of the run, e.g. ``minio://bucket/path/<pipeline>/<run>``.
      salt: unlike that of any other execution.
    """
    place = f"{root.rstrip('/')}/{task.name}/{salt}"
    outputs = executor_input.outputs
    for key, spec in task.component.output_definitions.artifacts.items():
        artifact = outputs.artifacts[key].artifacts.add(name=key, uri=f"{place}/{key}")
        artifact.type.CopyFrom(spec.artifact_type)
        if spec.HasField("metadata"):
            artifact.metadata.CopyFrom(spec.metadata)
    for key in task.component.output_definitions.parameters:
        outputs.parameters[key].output_file = f"/tmp/kfp/outputs/{key}"
    outputs.output_file = f"{local_path(place)}/output_metadata.json"
