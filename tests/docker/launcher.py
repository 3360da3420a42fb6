"""The launcher: brings a container its artifacts, runs it, and takes its outputs away."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format, struct_pb2
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from .inputs import text, to_json
from .ledger import Ledger, Outputs
from .pods import Pod, Pods
from .spec import Task
from .store import MOUNTS, Store, local_path

_SCRATCH = (*MOUNTS.values(), "/tmp", "/.local", "/.cache", "/.config")
_LOG_TAIL = 4000


class TaskFailed(RuntimeError):
    """No attempt at a task succeeded; the text ends with the last one's log."""


@dataclass
class Launcher:
    """Runs tasks.

    Attributes:
      volumes: claim -> folder of this machine.
      secrets: name -> key -> value.
      scratch: in it each attempt gets empty folders of its own, gone when it has ended.
    """

    store: Store
    ledger: Ledger
    pods: Pods
    volumes: Mapping[str, Path]
    secrets: Mapping[str, Mapping[str, str]]
    scratch: Path

    def launch(self, task: Task, executor_input: pb.ExecutorInput) -> Outputs:
        """Runs ``task`` up to ``task.attempts`` times and records its outputs.

        An attempt that failed leaves nothing in the store. Argo waits between attempts as
        ``retryPolicy.backoff*`` says; here they follow at once.

        Raises:
          TaskFailed: every attempt failed.
        """
        for _ in range(task.attempts):
            with tempfile.TemporaryDirectory(dir=self.scratch, prefix=f"{task.name}-") as folder:
                pod = self._pod(task, executor_input, Path(folder))
                self._prepare(pod, executor_input)
                finished = self.pods.run(pod)
                if finished.exit_code == 0:
                    return self._collect(pod, task, executor_input)
        log = finished.log[-_LOG_TAIL:].decode(errors="replace")
        raise TaskFailed(
            f"{task.name} failed {task.attempts} times, last with exit code {finished.exit_code}:\n"
            f"{log}"
        )

    def _pod(self, task: Task, executor_input: pb.ExecutorInput, folder: Path) -> Pod:
        mounts = {}
        for path in _SCRATCH:
            mounts[path] = folder / path.strip("/.")
            mounts[path].mkdir()
            mounts[path].chmod(0o1777)
        for mount in task.platform.get("pvcMount", []):
            mounts[mount["mountPath"]] = self.volumes[mount["constant"]]
        env = {each["name"]: each["value"] for each in task.container.get("env", [])}
        for secret in task.platform.get("secretAsEnv", []):
            for entry in secret["keyToEnv"]:
                env[entry["envVar"]] = self.secrets[secret["secretName"]][entry["secretKey"]]
        return Pod(
            name=task.name,
            command=command_line(task, executor_input),
            env=env,
            mounts=mounts,
            memory=task.memory_limit,
            deadline=task.platform.get("activeDeadlineSeconds"),
        )

    def _prepare(self, pod: Pod, executor_input: pb.ExecutorInput) -> None:
        for artifacts in executor_input.inputs.artifacts.values():
            for artifact in artifacts.artifacts:
                self.store.download(artifact.uri, pod.host_path(local_path(artifact.uri)))
        outputs = executor_input.outputs
        files = [parameter.output_file for parameter in outputs.parameters.values()]
        files += [local_path(a.artifacts[0].uri) for a in outputs.artifacts.values()]
        for file in files:
            pod.host_path(file).parent.mkdir(parents=True, exist_ok=True)

    def _collect(self, pod: Pod, task: Task, executor_input: pb.ExecutorInput) -> Outputs:
        given = pb.ExecutorOutput()
        file = pod.host_path(executor_input.outputs.output_file)
        if file.exists():
            json_format.Parse(file.read_text(), given)
        outputs = Outputs()
        for key, parameter in executor_input.outputs.parameters.items():
            if key in given.parameter_values:
                outputs.parameters[key] = given.parameter_values[key]
            else:
                spec = task.component.output_definitions.parameters[key]
                written = pod.host_path(parameter.output_file).read_text()
                outputs.parameters[key] = _from_text(written, spec)
        for key, artifacts in executor_input.outputs.artifacts.items():
            artifact = pb.RuntimeArtifact()
            artifact.CopyFrom(artifacts.artifacts[0])
            if key in given.artifacts and given.artifacts[key].artifacts:
                _merge(given.artifacts[key].artifacts[0], artifact)
            self.store.upload(pod.host_path(local_path(artifact.uri)), artifact.uri)
            outputs.artifacts[key] = self.ledger.record(key, artifact)
        return outputs


def command_line(task: Task, executor_input: pb.ExecutorInput) -> list[str]:
    """Command and arguments of the task's container, every placeholder replaced."""
    given = pb.ExecutorInput()
    given.CopyFrom(executor_input)
    for name, spec in task.component.input_definitions.parameters.items():
        if spec.HasField("default_value") and name not in given.inputs.parameter_values:
            given.inputs.parameter_values[name].CopyFrom(spec.default_value)
    values = _placeholders(given)
    line = [*task.container.get("command", []), *task.container.get("args", [])]
    for placeholder, value in values.items():
        line = [part.replace(placeholder, value) for part in line]
    return line


def _placeholders(given: pb.ExecutorInput) -> dict[str, str]:
    values = {"{{$}}": to_json(given)}
    for side in ("inputs", "outputs"):
        for name, artifacts in getattr(given, side).artifacts.items():
            uri = artifacts.artifacts[0].uri
            values[f"{{{{$.{side}.artifacts['{name}'].uri}}}}"] = uri
            values[f"{{{{$.{side}.artifacts['{name}'].path}}}}"] = local_path(uri)
    for name, value in given.inputs.parameter_values.items():
        values[f"{{{{$.inputs.parameters['{name}']}}}}"] = text(value)
    for name, parameter in given.outputs.parameters.items():
        values[f"{{{{$.outputs.parameters['{name}'].output_file}}}}"] = parameter.output_file
    return values


def _merge(given: pb.RuntimeArtifact, artifact: pb.RuntimeArtifact) -> None:
    artifact.uri = given.uri or artifact.uri
    for key, value in given.metadata.fields.items():
        artifact.metadata.fields[key].CopyFrom(value)


def _from_text(written: str, spec: pb.ComponentOutputsSpec.ParameterSpec) -> struct_pb2.Value:
    kind = pb.ParameterType.ParameterTypeEnum.Name(spec.parameter_type)
    if kind == "STRING":
        return struct_pb2.Value(string_value=written)
    return json_format.Parse(written.strip(), struct_pb2.Value())
