"""Each rule against a compiled pipeline that breaks it."""

import copy

import pytest
import yaml
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import (
    KubeflowV2DagRunner,
    KubeflowV2DagRunnerConfig,
)
from tfx.orchestration.pipeline import Pipeline
from tfx.types import Channel, standard_artifacts
from tfx_vigil.components import SlicedEvaluator
from tfx_vigil.kubeflow.check import check

from .compiled import compiled


@pytest.fixture(scope="module")
def accepted(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("config"))


@pytest.fixture
def spec(accepted):
    return copy.deepcopy(accepted[0])


def found(spec, pods=None):
    documents = [spec]
    if pods is not None:
        kubernetes = {"deploymentSpec": {"executors": pods}}
        documents.append({"platforms": {"kubernetes": kubernetes}})
    return "\n".join(check(yaml.safe_dump_all(documents)))


def task(spec, name):
    return spec["root"]["dag"]["tasks"][name]


def executor(spec, name):
    return spec["deploymentSpec"]["executors"][f"{name}_executor"]


def test_what_we_compile_is_accepted(accepted):
    assert found(*accepted) == ""


def test_a_tfx_pipeline_with_a_resolver_is_refused_with_the_reason():
    model = Resolver(
        strategy_class=LatestArtifactStrategy, model=Channel(type=standard_artifacts.Model)
    ).with_id("latest_model")
    examples = Resolver(
        strategy_class=LatestArtifactStrategy, examples=Channel(type=standard_artifacts.Examples)
    ).with_id("latest_examples")
    evaluator = SlicedEvaluator(
        examples=examples.outputs["examples"], config={"label": "y"}, model=model.outputs["model"]
    )
    job = KubeflowV2DagRunner(
        KubeflowV2DagRunnerConfig(default_image="i", use_pipeline_spec_2_1=True)
    ).run(
        Pipeline(pipeline_name="p", pipeline_root="", components=[model, examples, evaluator]),
        write_out=False,
    )
    text = found(job["pipelineSpec"])
    assert "latest_model_executor: a resolver, and the backend implements only containers" in text


def test_a_resolver_put_in_by_hand_is_refused(spec):
    executor(spec, "BaselineResolver").pop("container")
    executor(spec, "BaselineResolver")["resolver"] = {"outputArtifactQueries": {}}
    assert "BaselineResolver_executor: a resolver" in found(spec)


def test_a_container_without_a_command_is_refused(spec):
    executor(spec, "Pusher")["container"].pop("command")
    assert "Pusher_executor: no command" in found(spec)


def test_a_custom_driver_is_refused(spec):
    hook = {"preCacheCheck": {"command": ["driver"]}}
    executor(spec, "Pusher")["container"]["lifecycle"] = hook
    assert "Pusher_executor: a lifecycle hook" in found(spec)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("schemaVersion", "2.0.0", "2.1.0 alone"),
        ("defaultPipelineRoot", "/mnt/pipelines", "maps minio://, s3://, gs:// only"),
        ("pipelineInfo", {"name": "Taxi Tips"}, "small letters"),
    ],
)
def test_a_header_that_the_server_refuses_is_refused(spec, key, value, message):
    spec[key] = value
    assert message in found(spec)


def test_a_condition_on_what_the_task_does_not_get_is_refused(spec):
    task(spec, "Pusher")["inputs"]["artifacts"].pop("_WindowResolver.span")
    assert "the condition reads _WindowResolver.span" in found(spec)


def test_a_condition_on_an_importer_is_refused(spec):
    executor(spec, "Pusher").pop("container")
    executor(spec, "Pusher")["importer"] = {"reimport": True}
    assert "Pusher: a condition on an importer" in found(spec)


def test_a_parameter_from_a_task_that_is_not_there_is_refused(spec):
    given = task(spec, "SpanRecorder")["inputs"]["parameters"]["span"]["taskOutputParameter"]
    given["producerTask"] = "WindowResolver_task"
    assert "SpanRecorder.span: comes from WindowResolver_task, which is no task" in found(spec)


def test_an_output_that_its_task_does_not_have_is_refused(spec):
    given = task(spec, "SpanRecorder")["inputs"]["artifacts"]["drift"]["taskOutputArtifact"]
    given["outputArtifactKey"] = "drift"
    assert "SpanRecorder.drift: DriftValidator has no output drift" in found(spec)


def test_a_runtime_parameter_that_is_not_declared_is_refused(spec):
    spec["root"]["inputDefinitions"]["parameters"].pop("on_demand")
    assert "RetrainGate.on_demand: takes on_demand" in found(spec)


def test_a_dependency_that_is_not_there_is_refused(spec):
    task(spec, "Pusher")["dependentTasks"].append("Evaluator")
    assert "Pusher: depends on Evaluator, which is no task" in found(spec)


def test_an_artifact_type_that_mlmd_cannot_name_is_refused(spec):
    outputs = spec["components"]["DriftValidator"]["outputDefinitions"]["artifacts"]
    outputs["report"]["artifactType"] = {"instanceSchema": "title: DriftReport"}
    assert "DriftValidator.report: artifact type 'DriftReport'" in found(spec)


def test_a_task_in_a_dag_below_the_root_is_held_to_the_same_rules(spec):
    dag = {"tasks": {"Inner": {**task(spec, "Pusher"), "dependentTasks": ["Nobody"]}}}
    spec["components"]["below"] = {"dag": dag}
    assert "Inner: depends on Nobody, which is no task" in found(spec)


def test_a_task_without_its_component_is_refused(spec):
    spec["components"].pop("Pusher")
    assert "Pusher: its component Pusher is not there" in found(spec)


@pytest.mark.parametrize(
    ("part", "message"),
    [("deploymentSpec", "deploymentSpec has no executors"), ("root", "the root component has no")],
)
def test_a_spec_without_one_of_its_parts_is_refused(spec, part, message):
    spec.pop(part)
    assert message in found(spec)


def test_a_misspelt_field_is_refused_by_kfps_proto(spec):
    task(spec, "Pusher")["triggerPolicies"] = {}
    assert "not a PipelineSpec" in found(spec)


def test_a_pod_of_no_executor_is_refused(accepted):
    spec, pods = accepted
    assert "executor Evaluator_executor is not in" in found(
        spec, {**pods, "Evaluator_executor": {}}
    )


@pytest.mark.parametrize(
    "text", ["", "5", "- a", "a: [", "a: 1", "pipelineInfo: {name: a}\n---\nb: 1"]
)
def test_what_is_no_compiled_pipeline_is_told_so(text):
    assert len(check(text)) == 1
