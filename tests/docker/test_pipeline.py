"""The compiled pipeline, node by node in the real image: two spans of taxi trips.

The reference is the demo, run by TFX's own local runner in one container of the same image.
"""

import json
from datetime import datetime, timezone
from types import SimpleNamespace

import numpy as np
import pytest

from ..kubeflow.compiled import RETRAINING
from . import taxi_models, taxi_runs
from .driver import State
from .pods import ANY_USER, DockerPods
from .taxi_models import assert_same_model, model_in_service
from .taxi_runs import CLAIM, FIRST, IDENTIFIERS, MOUNT, SECOND

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def pods(docker_client, image):
    return DockerPods(docker_client, image, ANY_USER)


@pytest.fixture(scope="module")
def local(pods, tmp_path_factory):
    """The volume after the demo's two spans by the local runner."""
    return taxi_runs.run_locally(pods, tmp_path_factory.mktemp("local"))


@pytest.fixture(scope="module")
def proof(pods, local, tmp_path_factory):
    """Both spans on a cluster, one run each.

    Attributes:
      before: node -> the cluster, and the first run in it, as they were before that node.
      after_first: the same after the first run.
    """
    folder = tmp_path_factory.mktemp("proof")
    cluster = taxi_runs.first_day(folder / "cluster", pods, local)
    spec, before = taxi_runs.compiled(cluster), {}

    def keep(name, run):
        if name in ("SpanRecorder", "TrainingExamples", "PushRecorder"):
            before[name] = cluster.copy(folder / f"before-{name}", run)

    first = cluster.run(spec, before=keep)
    after_first = cluster.copy(folder / "after-first", first)
    taxi_runs.add_logs(cluster, local, SECOND)
    second = cluster.run(spec)
    return SimpleNamespace(
        cluster=cluster,
        spec=spec,
        first=first,
        second=second,
        before=before,
        after_first=after_first,
    )


@pytest.fixture(scope="module")
def recorded_again(proof, pods):
    """The first run whose ProtectedIngest was killed and retried, up to its SpanRecorder."""
    cluster, run = proof.before["SpanRecorder"]
    ended = attempt(pods, cluster, run, "ProtectedIngest", raw_data_lies_in)
    cluster.execute(run, "SpanRecorder")
    return SimpleNamespace(cluster=cluster, run=run, ended=ended)


def attempt(pods, cluster, run, name, moment):
    """Runs ``name`` and kills its first attempt at ``moment``; the exit codes of its attempts."""
    earlier = len(pods.attempts)
    pods.kill[name] = moment
    cluster.execute(run, name)
    return [finished.exit_code for _, finished in pods.attempts[earlier:]]


def raw_data_lies_in(pod, log):
    return any(p.is_file() for p in pod.mounts["/tmp"].glob("tmp*/examples/**/*"))


def training_goes_on(pod, log):
    return b"Training model." in log()


def half_of_the_record_is_written(pod, log):
    return any(pod.mounts[MOUNT].glob(f"history/spans/{FIRST}/*/push.json"))


def history_of(cluster):
    return taxi_runs.documents(cluster.volumes[CLAIM] / "history")


def test_the_first_span_runs_every_node(proof):
    assert set(proof.first.states.values()) == {State.SUCCEEDED}
    assert proof.first.states.keys() > RETRAINING


def test_the_second_span_does_not_retrain(proof):
    assert proof.second.tasks(State.SKIPPED, State.OMITTED) == RETRAINING
    assert proof.second.tasks(State.SUCCEEDED) == proof.second.states.keys() - RETRAINING


def test_history_and_decisions_equal_the_local_run(proof, local):
    ours, theirs = history_of(proof.cluster), taxi_runs.documents(local / "history")
    records = taxi_runs.cluster_history(proof.cluster).all_records()
    assert [(r.span, r.action) for r in records] == [(FIRST, "push"), (SECOND, "watch")]
    assert len(ours) > 30
    assert taxi_runs.differences(ours, theirs) == []


def test_the_pushed_model_equals_the_local_one(proof, local):
    ours = model_in_service(proof.cluster.volumes[CLAIM])
    theirs = model_in_service(local)
    assert ours.parent == proof.cluster.volumes[CLAIM] / "serving"
    assert_same_model(ours, theirs)
    rows = local / "data" / "2013-eval.tfrecord.gz"
    scores = taxi_models.scores(ours, rows)
    assert np.std(scores) > 0.01
    np.testing.assert_array_equal(scores, taxi_models.scores(theirs, rows))


def test_numbers_reach_every_node_as_doubles_and_decide_all_the_same(proof):
    given = proof.first.inputs["Pusher"].inputs.artifacts
    (decision,) = [a for name, a in given.items() if name.startswith("_RetrainGate")]
    assert decision.artifacts[0].metadata["retrain"] == 1.0
    assert isinstance(decision.artifacts[0].metadata["retrain"], float)
    on_demand = proof.first.inputs["RetrainGate"].inputs.parameter_values["on_demand"]
    assert on_demand.WhichOneof("kind") == "number_value"


def test_nothing_runs_when_no_window_is_due(proof):
    history = taxi_runs.up_to_date(proof.cluster, "up-to-date", datetime.now(timezone.utc))
    before = history_of(proof.cluster)
    run = proof.cluster.run(proof.spec, {"history_root": history})
    assert run.tasks(State.SUCCEEDED) == {"WindowResolver"}
    assert run.tasks(State.SKIPPED, State.OMITTED) == run.states.keys() - {"WindowResolver"}
    span = run.outputs["WindowResolver"].artifacts["span"]
    assert span.metadata["due"] == 0.0
    assert taxi_runs.differences(history_of(proof.cluster), before) == []


def test_an_ingest_killed_over_raw_data_and_retried_ends_in_the_same_history(proof, recorded_again):
    assert recorded_again.ended == [137, 0]
    ours, theirs = (
        history_of(recorded_again.cluster),
        history_of(proof.before["TrainingExamples"][0]),
    )
    assert any(name.endswith("ingest.json") for name in ours)
    assert taxi_runs.differences(ours, theirs) == []
    places = [
        cluster.store.path(run.outputs["ProtectedIngest"].artifacts["examples"].uri)
        for cluster, run in ((recorded_again.cluster, recorded_again.run), proof.after_first)
    ]
    one, other = (taxi_runs.documents(place) for place in places)
    assert len(one) >= 2
    assert taxi_runs.differences(one, other) == []


def test_a_span_recorded_twice_is_recorded_once(recorded_again):
    before = history_of(recorded_again.cluster)
    recorded_again.cluster.again(recorded_again.run, "SpanRecorder")
    assert taxi_runs.differences(history_of(recorded_again.cluster), before) == []


def test_a_trainer_killed_and_retried_trains_the_same_model(proof, pods):
    cluster, run = proof.after_first
    model = cluster.store.path(run.outputs["FineTunedTrainer"].artifacts["model"].uri)
    assert attempt(pods, cluster, run, "FineTunedTrainer", training_goes_on) == [137, 0]
    again = cluster.store.path(run.outputs["FineTunedTrainer"].artifacts["model"].uri)
    assert model != again
    assert_same_model(again / "Format-Serving", model / "Format-Serving")


def test_a_push_recorder_killed_and_retried_ends_in_the_same_history(proof, pods):
    cluster, run = proof.before["PushRecorder"]
    half = half_of_the_record_is_written
    assert attempt(pods, cluster, run, "PushRecorder", half) == [137, 0]
    after = history_of(proof.after_first[0])
    assert taxi_runs.differences(history_of(cluster), after) == []


def test_a_model_pushed_twice_is_one_model_in_service(proof):
    cluster, run = proof.after_first
    volume, before = cluster.volumes[CLAIM], history_of(cluster)
    named = model_in_service(volume)
    cluster.again(run, "Pusher")
    cluster.execute(run, "PushRecorder")
    assert taxi_runs.differences(history_of(cluster), before) == []
    served = max((volume / "serving").iterdir(), key=lambda folder: int(folder.name))
    assert model_in_service(volume) == served
    assert_same_model(served, named)


def test_only_nodes_that_need_it_have_the_volume_and_one_the_key(proof, pods):
    ran = [pod for pod, _ in pods.attempts if pod.name in proof.first.states]
    on_volume = {pod.name for pod in ran if MOUNT in pod.mounts}
    assert not on_volume & {"DriftValidator", "FineTunedTrainer", "ServingChecks"}
    assert {pod.name for pod in ran if "TFX_VIGIL_KEYSET" in pod.env} == {"ProtectedIngest"}
    assert all(pod.memory and pod.deadline for pod in ran)


def test_no_raw_identifier_and_no_key_is_left_anywhere(proof, recorded_again, pods):
    for cluster in (proof.cluster, proof.after_first[0], recorded_again.cluster):
        volume = cluster.volumes[CLAIM]
        for place in (cluster.store.root, volume / "history", volume / "serving"):
            assert taxi_runs.leaks(place) == []
        assert len(history_of(cluster)) > 15
        assert list((cluster.folder / "scratch").iterdir()) == []
    keys = json.loads(proof.cluster.secrets[taxi_runs.SECRET][taxi_runs.SECRET_KEY])["versions"]
    places = [*proof.cluster.folder.rglob("*")]
    logs = [finished.log for _, finished in pods.attempts]
    contents = [p.read_bytes() for p in places if p.is_file()] + logs
    for key in keys:
        assert not any(key["key"].encode() in content for content in contents)
    assert not any(IDENTIFIERS.search(log) for log in logs)
