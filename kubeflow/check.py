"""Finds in a compiled pipeline what Kubeflow Pipelines would refuse, or run wrongly.

Each rule cites the part of the open-source backend that it speaks for, as of August 2026.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig as PodConfig
from kfp.pipeline_spec import pipeline_spec_pb2

Spec = dict[str, Any]
Rule = Callable[[Spec], Iterator[str]]

# kfp-kubernetes 1.0, the newest that goes with TFX 1.16, lacks fields that the backend has.
_OLD_PLATFORM_PROTO = "active_deadline_seconds" not in PodConfig.DESCRIPTOR.fields_by_name
_PIPELINE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_TYPE_NAME = re.compile(r"[a-z][a-z0-9-_]{2,20}[.][A-Z][a-zA-Z0-9-_]{2,49}")
_STORE = ("minio://", "s3://", "gs://")
_ARTIFACT_USED = re.compile(r"inputs\.artifacts\['([^']+)'\]")


def check(text: str) -> list[str]:
    """What is wrong with the compiled pipeline ``text``, a sentence each; nothing when it may run.

    It is read by kfp's own protos and loader, and held against the rules of this module.
    """
    try:
        documents = [d for d in yaml.safe_load_all(text) if d]
    except yaml.YAMLError as error:
        return [f"not YAML: {error}"]
    mappings = [d for d in documents if isinstance(d, dict)]
    specs = [d for d in mappings if "pipelineInfo" in d]
    platforms = [d for d in mappings if "platforms" in d]
    if len(specs) != 1 or len(platforms) > 1 or len(documents) != len(specs) + len(platforms):
        return ["expected one PipelineSpec and at most one platform spec (template/v2_template.go)"]
    [spec] = specs
    problems = list(_against_protos(spec, *platforms)) or list(_missing_parts(spec))
    if not problems:
        problems += [problem for rule in _RULES for problem in rule(spec)]
        problems += _unknown_executors(spec, *platforms)
    return problems or list(_against_loader(text))


def _against_protos(spec: Spec, platform: Spec | None = None) -> Iterator[str]:
    try:
        json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
        json_format.ParseDict(
            spec.get("deploymentSpec", {}), pipeline_spec_pb2.PipelineDeploymentConfig()
        )
    except json_format.ParseError as error:
        yield f"not a PipelineSpec: {error}"
    for label, pod in _pods(platform).items():
        try:
            json_format.ParseDict(pod, PodConfig(), ignore_unknown_fields=_OLD_PLATFORM_PROTO)
        except json_format.ParseError as error:
            yield f"platform spec, executor {label}: {error}"


def _against_loader(text: str) -> Iterator[str]:
    try:
        components.load_component_from_text(text)
    except (ValueError, TypeError, KeyError) as error:
        yield f"kfp's loader refuses it: {error}"


def _missing_parts(spec: Spec) -> Iterator[str]:
    """What the rules take for granted."""
    if not spec.get("deploymentSpec", {}).get("executors"):
        yield "deploymentSpec has no executors (compiler/visitor.go)"
    if not spec.get("root", {}).get("dag", {}).get("tasks"):
        yield "the root component has no tasks (template/v2_template.go)"
    for owner in _dags(spec):
        for name, task in owner["dag"].get("tasks", {}).items():
            component = task.get("componentRef", {}).get("name")
            if component not in spec.get("components", {}):
                yield f"{name}: its component {component} is not there (compiler/visitor.go)"


def _dags(spec: Spec) -> Iterator[Spec]:
    """The components that are made of tasks, the root among them."""
    for component in (spec.get("root", {}), *spec.get("components", {}).values()):
        if "dag" in component:
            yield component


def _schema(spec: Spec) -> Iterator[str]:
    found = spec.get("schemaVersion")
    if found != "2.1.0":
        yield f"schemaVersion is {found}: the backend takes 2.1.0 alone (template/v2_template.go)"
    name = spec["pipelineInfo"].get("name", "")
    if not _PIPELINE_NAME.fullmatch(name):
        yield (
            f"pipelineInfo.name is {name!r}: small letters, digits, '-' and '.', with a letter "
            "or digit at either end (template/v2_template.go)"
        )
    root = spec.get("defaultPipelineRoot")
    if root and not root.startswith(_STORE):
        yield (
            f"defaultPipelineRoot is {root!r}: the launcher maps {', '.join(_STORE)} only "
            "(component/launcher_v2.go)"
        )


def _executors(spec: Spec) -> Iterator[str]:
    for label, executor in spec["deploymentSpec"]["executors"].items():
        if "resolver" in executor:
            yield (
                f"{label}: a resolver, and the backend implements only containers and importers "
                "(compiler/visitor.go): let a component read what it resolves, as "
                "BaselineResolver does"
            )
        elif "container" in executor:
            yield from _container(label, executor["container"])
        elif "importer" not in executor:
            yield f"{label}: neither container nor importer (compiler/visitor.go)"


def _container(label: str, container: Spec) -> Iterator[str]:
    if not container.get("command"):
        yield (
            f"{label}: no command; the launcher takes the place of the image's ENTRYPOINT and "
            "runs what the spec names (driver/driver.go)"
        )
    if "lifecycle" in container:
        yield (
            f"{label}: a lifecycle hook; the backend ignores it, so a driver such as "
            "FileBasedExampleGen's never runs (compiler/argocompiler/container.go)"
        )


def _tasks(spec: Spec) -> Iterator[str]:
    for owner in _dags(spec):
        tasks = owner["dag"].get("tasks", {})
        parameters = owner.get("inputDefinitions", {}).get("parameters", {})
        for name, task in tasks.items():
            for dependency in task.get("dependentTasks", []):
                if dependency not in tasks:
                    yield f"{name}: depends on {dependency}, which is no task"
            inputs = task.get("inputs", {})
            given = {**inputs.get("parameters", {}), **inputs.get("artifacts", {})}
            for key, source in given.items():
                yield from _source(spec, tasks, parameters, f"{name}.{key}", source)
            yield from _condition(spec, name, task)


def _source(spec: Spec, tasks: Spec, parameters: Spec, where: str, given: Spec) -> Iterator[str]:
    name = given.get("componentInputParameter")
    if name and name not in parameters:
        yield f"{where}: takes {name}, which is no parameter of the pipeline (driver/resolve.go)"
    for source, kind, key in (
        ("taskOutputParameter", "parameters", "outputParameterKey"),
        ("taskOutputArtifact", "artifacts", "outputArtifactKey"),
    ):
        if source not in given:
            continue
        producer, output = given[source]["producerTask"], given[source][key]
        if producer not in tasks:
            yield f"{where}: comes from {producer}, which is no task (driver/resolve.go)"
            continue
        component = spec["components"][tasks[producer]["componentRef"]["name"]]
        if output not in component.get("outputDefinitions", {}).get(kind, {}):
            yield f"{where}: {producer} has no output {output} among its {kind} (driver/resolve.go)"


def _condition(spec: Spec, name: str, task: Spec) -> Iterator[str]:
    condition = task.get("triggerPolicy", {}).get("condition")
    if not condition:
        return
    component = spec["components"][task["componentRef"]["name"]]
    executor = spec["deploymentSpec"]["executors"].get(component.get("executorLabel"), {})
    if "importer" in executor:
        yield f"{name}: a condition on an importer (compiler/argocompiler/dag.go)"
    for used in _ARTIFACT_USED.findall(condition):
        if used not in task.get("inputs", {}).get("artifacts", {}):
            yield f"{name}: the condition reads {used}, which is no input (driver/container.go)"


def _types(spec: Spec) -> Iterator[str]:
    for name, component in spec["components"].items():
        for side in ("inputDefinitions", "outputDefinitions"):
            definitions = component.get(side, {})
            for key, artifact in definitions.get("artifacts", {}).items():
                yield from _artifact_type(f"{name}.{key}", artifact["artifactType"])
            for key, parameter in definitions.get("parameters", {}).items():
                if "parameterType" not in parameter:
                    yield f"{name}.{key}: a parameter without a parameterType (schema 2.1)"


def _artifact_type(where: str, schema: Spec) -> Iterator[str]:
    if "schemaUri" in schema:
        yield f"{where}: a schemaUri, which the launcher refuses (component/launcher_v2.go)"
    title = schema.get("schemaTitle")
    if "instanceSchema" in schema:
        title = yaml.safe_load(schema["instanceSchema"]).get("title", "")
    if title is not None and not _TYPE_NAME.fullmatch(title):
        yield f"{where}: artifact type {title!r} does not match {_TYPE_NAME.pattern}"


def _unknown_executors(spec: Spec, platform: Spec | None = None) -> list[str]:
    known = spec["deploymentSpec"]["executors"]
    return [
        f"platform spec: executor {label} is not in the pipeline (compiler/visitor.go)"
        for label in _pods(platform)
        if label not in known
    ]


def _pods(platform: Spec | None) -> Spec:
    kubernetes = ((platform or {}).get("platforms") or {}).get("kubernetes") or {}
    return kubernetes.get("deploymentSpec", {}).get("executors", {})


_RULES: tuple[Rule, ...] = (_schema, _executors, _tasks, _types)
