"""A pipeline of three tasks, and functions in place of containers.

``zero`` decides, ``train`` and ``push`` follow only if it decides for it.
"""

import copy
import json

import yaml

from .pods import Finished
from .spec import load
from .store import local_path

RETRAIN = "inputs.artifacts['decision'].artifacts[0].metadata['retrain'] == 1.0"
ARTIFACT = {"artifactType": {"instanceSchema": "title: tfx.Model\ntype: object\n"}}


def decision_of(producer):
    return {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": "decision"}}


def parameter_of(producer, key):
    return {"taskOutputParameter": {"producerTask": producer, "outputParameterKey": key}}


def task(name, **more):
    return {"taskInfo": {"name": name}, "componentRef": {"name": name}, **more}


def component(inputs=(), parameters=None, outputs=(), output_parameters=None):
    return {
        "inputDefinitions": _definitions(inputs, parameters or {}),
        "outputDefinitions": _definitions(outputs, output_parameters or {}),
    }


def _definitions(artifacts, parameters):
    return {
        "artifacts": dict.fromkeys(artifacts, ARTIFACT),
        "parameters": {name: {"parameterType": kind} for name, kind in parameters.items()},
    }


TASKS = {
    "zero": task("zero", inputs={"parameters": {"x": {"componentInputParameter": "on_demand"}}}),
    "train": task(
        "train",
        dependentTasks=["zero"],
        inputs={
            "artifacts": {"decision": decision_of("zero")},
            "parameters": {
                "steps": {"runtimeValue": {"constant": 3.0}},
                "span": parameter_of("zero", "span"),
                "rows": parameter_of("zero", "rows"),
            },
        },
        triggerPolicy={"condition": RETRAIN},
        cachingOptions={"enableCache": True},
        retryPolicy={"maxRetryCount": 1},
    ),
    "push": task(
        "push",
        dependentTasks=["train"],
        inputs={"artifacts": {"decision": decision_of("zero")}},
        triggerPolicy={"condition": RETRAIN},
    ),
}
COMPONENTS = {
    "zero": component(
        parameters={"x": "NUMBER_INTEGER"},
        outputs=["decision"],
        output_parameters={"span": "STRING", "rows": "NUMBER_INTEGER"},
    ),
    "train": component(
        ["decision"],
        {"steps": "NUMBER_INTEGER", "span": "STRING", "rows": "STRING"},
        ["model"],
    ),
    "push": component(["decision"]),
}


def document(tasks=TASKS, components=COMPONENTS, args=("{{$}}",)):
    components, executors = copy.deepcopy(components), {}
    for name in components:
        components[name]["executorLabel"] = f"{name}_executor"
        container = {"image": "i", "command": [name], "args": list(args)}
        executors[f"{name}_executor"] = {
            "container": {**container, "resources": {"memoryLimit": 2.5}}
        }
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": "taxi"},
        "defaultPipelineRoot": "minio://bucket/root",
        "root": {
            "dag": {"tasks": copy.deepcopy(tasks)},
            "inputDefinitions": {
                "parameters": {"on_demand": {"parameterType": "NUMBER_INTEGER", "defaultValue": 0}}
            },
        },
        "components": components,
        "deploymentSpec": {"executors": executors},
    }


POD = {
    "pvcMount": [{"constant": "claim", "mountPath": "/vigil"}],
    "secretAsEnv": [{"secretName": "s", "keyToEnv": [{"secretKey": "k", "envVar": "KEYSET"}]}],
    "activeDeadlineSeconds": 60,
}
PLATFORM = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"push_executor": POD}}}}}


def compiled(**changes):
    return load(yaml.safe_dump_all([document(**changes), PLATFORM]))


class Functions:
    """Pods whose containers are functions of (pod, executor input); raising is exit code 1."""

    def __init__(self, **functions):
        self.functions, self.pods = {"zero": decide(1), **functions}, []

    def run(self, pod):
        self.pods.append(pod)
        function = self.functions.get(pod.name, lambda pod, given: None)
        try:
            function(pod, json.loads(pod.command[1]) if "{" in pod.command[1] else None)
        except RuntimeError as error:
            return Finished(1, str(error).encode())
        return Finished(0, b"")

    @property
    def names(self):
        return [pod.name for pod in self.pods]


def decide(retrain, **more):
    def run(pod, given):
        metadata = {"retrain": retrain, **more}
        artifact = given["outputs"]["artifacts"]["decision"]["artifacts"][0]
        path = pod.host_path(local_path(artifact["uri"]))
        path.mkdir()
        (path / "report.json").write_text("{}")
        (path / "empty").mkdir()
        (path.parent / "beside").write_text("not an artifact")
        pod.host_path(given["outputs"]["parameters"]["rows"]["outputFile"]).write_text("7\n")
        output = {
            "artifacts": {"decision": {"artifacts": [{"metadata": metadata}]}},
            "parameterValues": {"span": "2014-01-01"},
        }
        pod.host_path(given["outputs"]["outputFile"]).write_text(json.dumps(output))

    return run
