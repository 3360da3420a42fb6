"""The driver keeps the backend's rules. Here functions stand for containers: no engine needed."""

import copy
import json

import pytest
import yaml
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from .conditions import ConditionError, holds
from .driver import Cluster, State
from .inputs import InputError
from .launcher import TaskFailed
from .small_pipeline import RETRAIN, TASKS, Functions, compiled, decide, document
from .spec import load
from .store import local_path


@pytest.fixture
def cluster(tmp_path):
    def make(**functions):
        return Cluster(tmp_path, Functions(**functions), ["claim"], {"s": {"k": "hidden"}})

    return make


def test_tasks_run_after_those_they_depend_on_whatever_their_names(cluster):
    it = cluster()
    run = it.run(compiled())
    assert it.pods.names == ["zero", "train", "push"]
    assert set(run.states.values()) == {State.SUCCEEDED}


def test_a_producer_that_is_no_dependent_task_has_not_run(cluster):
    tasks = copy.deepcopy(TASKS)
    del tasks["train"]["dependentTasks"]
    with pytest.raises(InputError, match=r"train\..*'zero' has not run"):
        cluster().run(compiled(tasks=tasks))


@pytest.mark.parametrize("change", ["resolver", "version"])
def test_what_the_backend_refuses_is_refused(change):
    text = document()
    if change == "version":
        text["schemaVersion"] = "2.0.0"
    else:
        text["deploymentSpec"]["executors"]["zero_executor"] = {"resolver": {}}
    with pytest.raises(ValueError, match=r"is not a container|takes 2\.1\.0 only"):
        load(yaml.safe_dump(text))


def test_a_false_condition_skips_and_what_comes_after_is_not_even_asked(cluster):
    tasks = copy.deepcopy(TASKS)
    tasks["push"]["triggerPolicy"]["condition"] = "no.such.thing"
    it = cluster(zero=decide(0))
    run = it.run(compiled(tasks=tasks))
    assert run.states["train"] is State.SKIPPED
    assert run.states["push"] is State.OMITTED
    assert it.pods.names == ["zero"]


def given_with(**metadata):
    given = pb.ExecutorInput()
    given.inputs.artifacts["decision"].artifacts.add().metadata.update(metadata)
    return given


def test_ints_are_doubles_in_conditions():
    assert holds(RETRAIN, given_with(retrain=1))
    assert not holds(RETRAIN, given_with(retrain=0))
    with pytest.raises(ConditionError, match="overload"):
        holds(RETRAIN.replace("1.0", "1"), given_with(retrain=1))


@pytest.mark.parametrize(
    ("condition", "error"),
    [
        (RETRAIN.replace("retrain", "absent"), "no such key"),
        (RETRAIN.removesuffix(" == 1.0"), "not a bool"),
        ("inputs.artifacts[", "inputs"),
    ],
)
def test_a_condition_without_an_answer_fails_the_run(condition, error):
    with pytest.raises(ConditionError, match=error):
        holds(condition, given_with(retrain=1))


def test_parameters_come_from_the_run_from_its_defaults_and_from_tasks(cluster):
    it = cluster()
    run = it.run(compiled(), {"on_demand": 1})
    assert run.inputs["zero"].inputs.parameter_values["x"].number_value == 1.0
    assert it.run(compiled()).inputs["zero"].inputs.parameter_values["x"].number_value == 0.0
    given = run.inputs["train"].inputs.parameter_values
    assert (given["steps"].number_value, given["span"].string_value) == (3.0, "2014-01-01")
    assert given["rows"].string_value == "7"
    with pytest.raises(InputError, match=r"no parameters \['onDemand'\]"):
        it.run(compiled(), {"onDemand": 1})


def test_text_is_not_taken_for_a_number(cluster):
    with pytest.raises(InputError, match=r"zero\.x: expects NUMBER_INTEGER, got string_value"):
        cluster().run(compiled(), {"on_demand": "1"})


def test_every_placeholder_is_replaced(cluster):
    args = [
        "{{$}}",
        "{{$.inputs.artifacts['decision'].uri}}",
        "--path={{$.outputs.artifacts['model'].path}}",
        "{{$.inputs.parameters['steps']}}",
    ]
    it = cluster()
    run = it.run(compiled(args=args))
    command = next(pod.command for pod in it.pods.pods if pod.name == "train")
    given = json.loads(command[1])
    assert command[0] == "train"
    assert given["inputs"]["parameterValues"] == {"steps": 3, "span": "2014-01-01", "rows": "7"}
    assert command[2] == run.outputs["zero"].artifacts["decision"].uri
    model = given["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    assert command[3] == "--path=/minio/" + model.removeprefix("minio://")
    assert command[4] == "3"


def test_outputs_lie_under_the_root_and_never_where_others_did(cluster):
    it = cluster()
    runs = [it.run(compiled()), it.run(compiled())]
    uris = [run.outputs["zero"].artifacts["decision"].uri for run in runs]
    assert uris[0] != uris[1]
    for run, uri in zip(runs, uris, strict=True):
        assert uri.startswith(f"minio://bucket/root/taxi/{run.id}/zero/")
        assert uri.endswith("/decision")
        outputs = run.inputs["zero"].outputs
        assert outputs.output_file == local_path(uri).replace("decision", "output_metadata.json")
    it.execute(runs[1], "zero")
    assert runs[1].outputs["zero"].artifacts["decision"].uri != uris[1]


def test_files_below_an_artifacts_path_are_kept_and_nothing_else(cluster):
    it = cluster()
    run = it.run(compiled())
    kept = it.store.path(run.outputs["zero"].artifacts["decision"].uri)
    assert [path.name for path in kept.iterdir()] == ["report.json"]
    assert not list(it.store.root.rglob("beside"))
    assert not list((it.folder / "scratch").iterdir())
    assert not it.store.path(run.outputs["train"].artifacts["model"].uri).exists()


def test_inputs_are_copied_into_each_pod(cluster):
    def train(pod, given):
        (artifact,) = given["inputs"]["artifacts"]["decision"]["artifacts"]
        folder = pod.host_path(local_path(artifact["uri"]))
        seen.append([path.name for path in folder.iterdir()])
        (folder / "report.json").unlink()

    seen = []
    it = cluster(train=train, push=train)
    it.run(compiled())
    assert seen == [["report.json"], ["report.json"]]


def test_metadata_is_merged_and_becomes_what_the_store_knows(cluster):
    it = cluster(zero=decide(1, bias=True, splits=["train", "eval"]))
    artifact = it.run(compiled()).outputs["zero"].artifacts["decision"]
    assert (artifact.metadata["bias"], type(artifact.metadata["bias"])) == (1.0, float)
    assert list(artifact.metadata["splits"]["list"]) == ["train", "eval"]
    assert artifact.metadata["display_name"] == "decision"
    assert artifact.name.isdigit()
    with pytest.raises(ValueError, match="'gone' is null"):
        cluster(zero=decide(1, gone=None)).run(compiled())


def test_a_failed_attempt_leaves_nothing_and_is_tried_again_from_the_start(cluster):
    def train(pod, given):
        artifact = given["outputs"]["artifacts"]["model"]["artifacts"][0]
        path = pod.host_path(local_path(artifact["uri"]))
        assert not path.exists()
        path.mkdir()
        attempts.append(path)
        (path / f"attempt-{len(attempts)}").write_text("")
        if len(attempts) == 1:
            raise RuntimeError("lost")

    attempts = []
    it = cluster(train=train)
    run = it.run(compiled())
    kept = it.store.path(run.outputs["train"].artifacts["model"].uri)
    assert [path.name for path in kept.iterdir()] == ["attempt-2"]


def test_a_task_that_keeps_failing_ends_the_run_with_its_log(cluster):
    def train(pod, given):
        raise RuntimeError("out of memory")

    it = cluster(train=train)
    with pytest.raises(TaskFailed, match=r"train failed 2 times, .* 1:\nout of memory"):
        it.run(compiled())
    assert it.pods.names == ["zero", "train", "train"]


def test_only_what_may_be_reused_is_and_only_for_the_same_inputs(cluster):
    it = cluster()
    tasks = copy.deepcopy(TASKS)
    tasks["zero"]["cachingOptions"] = {"enableCache": True}
    first, again = it.run(compiled(tasks=tasks)), it.run(compiled(tasks=tasks))
    assert again.tasks(State.CACHED) == {"zero", "train"}
    assert again.outputs["train"].artifacts == first.outputs["train"].artifacts
    other = it.run(compiled(tasks=tasks), {"on_demand": 1})
    assert other.tasks(State.CACHED) == set()
    it.cache = False
    assert it.run(compiled(tasks=tasks)).tasks(State.CACHED) == set()


def test_volume_secret_and_limits_go_to_the_task_that_has_them(cluster):
    it = cluster()
    it.run(compiled())
    zero, _, push = it.pods.pods
    assert push.mounts["/vigil"] == it.volumes["claim"]
    assert (push.env, push.deadline, push.memory) == ({"KEYSET": "hidden"}, 60, 2_500_000_000)
    assert "/vigil" not in zero.mounts
    assert (zero.env, zero.deadline) == ({}, None)


def test_a_copy_of_a_cluster_goes_its_own_way(cluster, tmp_path_factory):
    it = cluster()
    run = it.run(compiled())
    twin, twin_run = it.copy(tmp_path_factory.mktemp("twin") / "copy", run)
    (twin.volumes["claim"] / "x").write_text("")
    twin.execute(twin_run, "train")
    assert not list(it.volumes["claim"].iterdir())
    assert twin_run.outputs["train"] != run.outputs["train"]
