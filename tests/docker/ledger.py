"""What the backend's metadata store remembers: artifacts, executions, and which can be reused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from .spec import Task


@dataclass
class Outputs:
    """What an execution left: artifacts by key, parameters by key."""

    artifacts: dict[str, pb.RuntimeArtifact] = field(default_factory=dict)
    parameters: dict[str, struct_pb2.Value] = field(default_factory=dict)


@dataclass
class Ledger:
    """Artifacts are known by a number; tasks that take one in see that number as its name."""

    artifacts: int = 0
    cache: dict[str, Outputs] = field(default_factory=dict)

    def record(self, key: str, artifact: pb.RuntimeArtifact) -> pb.RuntimeArtifact:
        """The artifact as a later task will see it.

        The store knows strings, doubles, ints and structs: a bool becomes a number, a list a
        struct, and null is refused.
        """
        self.artifacts += 1
        stored = pb.RuntimeArtifact(name=str(self.artifacts), uri=artifact.uri)
        stored.type.CopyFrom(artifact.type)
        stored.metadata.update({"display_name": key, "store_session_info": "{}"})
        for name, value in artifact.metadata.fields.items():
            stored.metadata.fields[name].CopyFrom(_stored(name, value))
        return stored


def _stored(name: str, value: struct_pb2.Value) -> struct_pb2.Value:
    kind = value.WhichOneof("kind")
    if kind == "bool_value":
        return struct_pb2.Value(number_value=value.bool_value)
    if kind == "list_value":
        return _wrapped("list", value)
    if kind == "struct_value":
        return _wrapped("struct", value)
    if kind == "null_value":
        raise ValueError(f"metadata {name!r} is null: the metadata store has no such value")
    return value


def _wrapped(name: str, value: struct_pb2.Value) -> struct_pb2.Value:
    struct = struct_pb2.Struct()
    struct.fields[name].CopyFrom(value)
    return struct_pb2.Value(struct_value=struct)


def fingerprint(task: Task, image: str, executor_input: pb.ExecutorInput) -> str:
    """Digest of what decides whether an earlier execution's outputs are reused.

    Input artifacts count by their names, which are their numbers; outputs by everything but
    their URIs; volumes by the names of their claims.
    """
    given = _plain(executor_input)
    key: dict[str, Any] = {
        "inputArtifacts": {
            name: [artifact.name for artifact in artifacts.artifacts]
            for name, artifacts in executor_input.inputs.artifacts.items()
        },
        "inputParameters": given.get("inputs", {}).get("parameterValues", {}),
        "outputArtifacts": {
            name: _plain(artifacts.artifacts[0].type)
            for name, artifacts in executor_input.outputs.artifacts.items()
        },
        "outputParameters": sorted(executor_input.outputs.parameters),
        "image": image,
        "cmdArgs": [*task.container.get("command", []), *task.container.get("args", [])],
        "claims": sorted({mount["constant"] for mount in task.platform.get("pvcMount", [])}),
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


def _plain(message: Any) -> Any:
    return json_format.MessageToDict(message)
