"""Following a run, against a stand-in of the API on loopback: the kfp client is the real one."""

import signal

import pytest
from tfx_vigil.kubeflow import follow as following
from tfx_vigil.kubeflow.follow import RunFailed, follow_run
from tfx_vigil.kubeflow.kfp_api import Server, SubmitError

from .submitting import send


def test_following_tells_each_task_once_a_state(kfp, spec):
    kfp.progress = [
        ("RUNNING", {"root-driver": "SUCCEEDED", "root": "RUNNING", "A-driver": "RUNNING"}),
        ("RUNNING", {"root-driver": "SUCCEEDED", "root": "RUNNING", "A-driver": "SUCCEEDED",
                     "A": "RUNNING", "executor": "RUNNING"}),
        ("RUNNING", {"root-driver": "SUCCEEDED", "root": "RUNNING", "A-driver": "SUCCEEDED",
                     "A": "SUCCEEDED", "executor": "SUCCEEDED", "B-driver": "SUCCEEDED"}),
        ("SUCCEEDED", {"root-driver": "SUCCEEDED", "root": "SUCCEEDED", "A-driver": "SUCCEEDED",
                       "A": "SUCCEEDED", "B-driver": "SUCCEEDED", "B": "SKIPPED"}),
    ]  # fmt: skip
    told = []
    assert send(kfp, spec, told.append, follow=True).state == "SUCCEEDED"
    assert told[0].endswith(": uploaded")
    assert told[2:] == [
        f"following {kfp.address}/#/runs/details/{kfp.runs[0]['run_id']}",
        *("A: running", "A: succeeded", "B: running", "B: skipped"),
    ]


def test_a_failed_run_names_the_task_and_its_error(kfp, spec):
    kfp.progress = [("FAILED", {"A-driver": "SUCCEEDED", "A": "SUCCEEDED", "B-driver": "SUCCEEDED",
                                "B": "FAILED", "executor": "FAILED"})]  # fmt: skip
    kfp.task_errors = {"executor": "OOMKilled (exit code 137)"}
    with pytest.raises(RunFailed, match=r"failed at B: OOMKilled \(exit code 137\)\nits log: http"):
        send(kfp, spec, follow=True)


def test_a_failed_driver_is_its_tasks_failure(kfp, spec):
    kfp.progress = [("FAILED", {"A-driver": "FAILED", "A": "RUNTIME_STATE_UNSPECIFIED"})]
    with pytest.raises(RunFailed, match="failed at A\nits log"):
        send(kfp, spec, follow=True)


def test_a_cancelled_run_is_no_success(kfp, spec):
    kfp.progress = [("CANCELED", {})]
    with pytest.raises(RunFailed, match="canceled"):
        send(kfp, spec, follow=True)


def test_following_outlives_a_short_outage_of_the_api(kfp, spec):
    done = send(kfp, spec)
    kfp.progress = [("RUNNING", {"A": "RUNNING"}), ("SUCCEEDED", {})]

    def outage(_):
        kfp.failures = [500, 500, 401]

    assert follow_run(Server(host=kfp.address), done.run_id, outage, poll=0.01) == "SUCCEEDED"


def test_following_gives_up_on_a_long_outage(kfp, spec):
    done = send(kfp, spec)
    kfp.progress = [("RUNNING", {"A": "RUNNING"})]

    def outage(_):
        kfp.failures = [500] * 99

    with pytest.raises(SubmitError, match="HTTP 500: the node is being moved"):
        follow_run(Server(host=kfp.address), done.run_id, outage, poll=0.01)


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_stops_the_watch_and_not_the_run(kfp, spec, interruptible):
    kfp.progress, kfp.multi_user = [("RUNNING", {"A": "RUNNING"})], True
    told = []

    def stop(text):
        told.append(text)
        if text == "A: running":
            signal.raise_signal(signal.SIGINT)

    done = send(kfp, spec, stop, namespace="team-a", follow=True)
    assert done.state == "RUNNING"
    assert kfp.runs[0]["state"] == "RUNNING"
    assert told[-1].endswith(f"--host {kfp.address} --namespace team-a --attach {done.run_id}")
    kfp.progress = [("SUCCEEDED", {"A": "SUCCEEDED"})]
    told = []
    server = Server(host=kfp.address, namespace="team-a")
    assert follow_run(server, done.run_id, told.append, poll=0.01) == "SUCCEEDED"
    assert told == ["A: succeeded"]


def test_an_unknown_run_is_said_at_once(kfp, monkeypatch):
    monkeypatch.setattr(following.time, "sleep", lambda _: pytest.fail("waited"))
    with pytest.raises(SubmitError, match="HTTP 404: run_id nowhere not found"):
        follow_run(Server(host=kfp.address), "nowhere", print)
    assert kfp.requests.count("GET /runs/nowhere") == 1
