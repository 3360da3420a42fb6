"""Submitting, against a stand-in of the API on loopback: the kfp client is the real one."""

import logging
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tfx_vigil.kubeflow import follow as following
from tfx_vigil.kubeflow.follow import RunFailed, follow_run
from tfx_vigil.kubeflow.kfp_api import Server, SubmitError
from tfx_vigil.kubeflow.schedule import kfp_cron
from tfx_vigil.kubeflow.submit import Submission, submit

from .kfp_server import serving

SPEC = """\
schemaVersion: 2.1.0
pipelineInfo: {name: taxi-tips}
root:
  inputDefinitions:
    parameters:
      window_start: {parameterType: STRING, defaultValue: ''}
      window_end: {parameterType: STRING, defaultValue: ''}
      on_demand: {parameterType: NUMBER_INTEGER, defaultValue: 0}
  dag: {tasks: {WindowResolver: {taskInfo: {name: WindowResolver}}}}
---
platforms: {kubernetes: {deploymentSpec: {executors: {}}}}
"""
TOKEN = "t0p-s3cret-t0ken"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KF_PIPELINES_TOKEN", "KF_PIPELINES_SA_TOKEN_PATH", "KF_PIPELINES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def kfp():
    with serving() as running:
        yield running


@pytest.fixture
def spec(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(SPEC)
    return path


def send(kfp, spec, progress=lambda _: None, namespace=None, token_file=None, **submission):
    server = Server(host=kfp.address, namespace=namespace, token_file=token_file)
    return submit(spec, server, Submission(**submission), progress, poll=0.01)


def uploads(kfp):
    return [request for request in kfp.requests if "upload" in request]


def enabled(kfp):
    return [run for run in kfp.recurring_runs if run["status"] == "ENABLED"]


def test_one_run_of_one_version(kfp, spec, capsys):
    done = send(kfp, spec, parameters={"window_start": "2026-01-01"})

    (pipeline,), (version,), (experiment,), (run,) = (
        kfp.pipelines, kfp.versions, kfp.experiments, kfp.runs
    )  # fmt: skip
    assert pipeline["display_name"] == experiment["display_name"] == "taxi-tips"
    assert version["display_name"].startswith("taxi-tips-")
    assert run["pipeline_version_reference"] == {
        "pipeline_id": pipeline["pipeline_id"],
        "pipeline_version_id": version["pipeline_version_id"],
    }
    assert run["runtime_config"] == {"parameters": {"window_start": "2026-01-01"}}
    assert run["service_account"] == "tfx-vigil"
    assert (done.run_id, done.state, done.uploaded) == (run["run_id"], "SUBMITTED", True)
    assert done.url == f"{kfp.address}/#/runs/details/{run['run_id']}"
    assert capsys.readouterr().out == ""


def test_the_platform_spec_is_uploaded_too(kfp, spec):
    send(kfp, spec)
    assert "platforms" in kfp.versions[0]["pipeline_spec"]["platform_spec"]


def test_the_compiled_monitoring_pipeline_is_taken(kfp, tmp_path):
    from tfx_vigil.kubeflow.compile import compile_pipeline, load_cluster_config

    from .compiled import write_config

    spec = tmp_path / "pipeline.yaml"
    spec.write_text(compile_pipeline(load_cluster_config(write_config(tmp_path))))
    window = {"window_start": "2014-01-01T00:00:00Z", "window_end": "2014-07-01T00:00:00Z"}
    done = send(kfp, spec, parameters={**window, "on_demand": 1})
    assert done.uploaded
    assert kfp.runs[0]["runtime_config"]["parameters"] == {**window, "on_demand": 1}
    assert spec.stat().st_size < 2**20, "a ConfigMap, which the CronJob reads, holds no more"


def test_the_same_spec_is_uploaded_once(kfp, spec):
    first = send(kfp, spec)
    before = uploads(kfp)
    second = send(kfp, spec)
    assert uploads(kfp) == before
    assert len(kfp.versions) == len(kfp.experiments) == 1
    assert len(kfp.runs) == 2
    assert (second.version, second.uploaded) == (first.version, False)


def test_another_spec_is_a_new_version_of_the_same_pipeline(kfp, spec):
    send(kfp, spec)
    spec.write_text(SPEC.replace("defaultValue: 0", "defaultValue: 1"))
    assert send(kfp, spec).uploaded
    assert len(kfp.pipelines) == 1
    assert len(kfp.versions) == 2


def test_a_version_name_that_holds_another_spec_is_refused(kfp, spec):
    send(kfp, spec, version="v1")
    send(kfp, spec, version="v1")
    spec.write_text(SPEC.replace("defaultValue: 0", "defaultValue: 1"))
    with pytest.raises(SubmitError, match=r"version v1 of taxi-tips holds another spec"):
        send(kfp, spec, version="v1")
    assert len(kfp.runs) == 2


def test_names_may_be_given(kfp, spec):
    send(kfp, spec, pipeline="tips", experiment="monitoring")
    assert kfp.pipelines[0]["display_name"] == "tips"
    assert kfp.experiments[0]["display_name"] == "monitoring"


def test_a_namespace_holds_everything_on_a_multi_user_installation(kfp, spec):
    kfp.multi_user = True
    send(kfp, spec, namespace="team-a")
    send(kfp, spec, namespace="team-b", recurring="0 6 * * *")
    send(kfp, spec, namespace="team-b", recurring="0 6 * * *")
    assert [p["namespace"] for p in kfp.pipelines] == ["team-a", "team-b"]
    assert [e["namespace"] for e in kfp.experiments] == ["team-a", "team-b"]
    assert len(kfp.recurring_runs) == 1


def test_a_schedule_passes_no_window_and_runs_one_at_a_time(kfp, spec):
    done = send(kfp, spec, recurring="0 6 * * *", pipeline_root="minio://bucket/root")
    (run,) = kfp.recurring_runs
    assert run["display_name"] == "taxi-tips"
    assert run["trigger"] == {"cron_schedule": {"cron": "0 0 6 * * *"}}
    assert run["max_concurrency"] in (1, "1")
    assert run["no_catchup"] is True
    assert run["runtime_config"] == {"parameters": {}, "pipeline_root": "minio://bucket/root"}
    assert (done.run_id, done.state) == (run["recurring_run_id"], "ENABLED")
    assert kfp.runs == []


def test_catch_up_is_passed_on(kfp, spec):
    send(kfp, spec, recurring="0 6 * * *", catch_up=True)
    assert kfp.recurring_runs[0]["no_catchup"] is False


def test_the_same_schedule_again_changes_nothing(kfp, spec):
    first = send(kfp, spec, recurring="0 6 * * *")
    second = send(kfp, spec, recurring="0 6 * * *")
    assert len(kfp.recurring_runs) == 1
    assert first.run_id == second.run_id


@pytest.mark.parametrize(
    "change",
    [
        {"recurring": "0 7 * * *"},
        {"catch_up": True},
        {"parameters": {"on_demand": 1}},
        {"service_account": "other"},
        {"experiment": "other"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_schedule_takes_the_place_of_the_older_ones(kfp, spec, change):
    send(kfp, spec, recurring="0 6 * * *")
    for _ in range(4):  # more than one page of the list
        kfp.recurring_runs.append({**kfp.recurring_runs[0], "description": "by hand"})
        kfp.recurring_runs[-1]["recurring_run_id"] = f"by-hand-{len(kfp.recurring_runs)}"
    done = send(kfp, spec, **{"recurring": "0 6 * * *", **change})
    assert [run["recurring_run_id"] for run in enabled(kfp)] == [done.run_id]
    assert len(kfp.recurring_runs) == 6


def test_a_schedule_of_another_name_goes_on(kfp, spec):
    send(kfp, spec, recurring="0 6 * * *", pipeline="other")
    send(kfp, spec, recurring="0 6 * * *")
    assert len(enabled(kfp)) == 2


def test_the_older_schedule_goes_on_where_the_new_one_is_refused(kfp, spec, monkeypatch):
    send(kfp, spec, recurring="0 6 * * *")
    monkeypatch.setattr(kfp, "create_recurring_run", lambda *_: kfp._namespace(kfp.forbidden))
    kfp.forbidden = "closed"
    with pytest.raises(SubmitError, match="HTTP 403"):
        send(kfp, spec, recurring="0 7 * * *")
    assert [run["trigger"]["cron_schedule"]["cron"] for run in enabled(kfp)] == ["0 0 6 * * *"]


@pytest.mark.parametrize(
    ("cron", "six"),
    [
        ("0 6 * * *", "0 0 6 * * *"),
        ("*/15 0-6,22 1,15 jan-mar MON", "0 */15 0-6,22 1,15 jan-mar MON"),
        ("  5 4 ? * 0 ", "0 5 4 ? * 0"),
        ("0 0 29 2 *", "0 0 0 29 2 *"),
        ("0 0 31 2 MON", "0 0 0 31 2 MON"),
    ],
)
def test_five_fields_become_six_with_the_seconds_first(cron, six):
    assert kfp_cron(cron) == six


@pytest.mark.parametrize(
    ("cron", "says"),
    [
        ("", "has 0 fields; five are expected"),
        ("0 0 6 * * *", "has 6 fields"),
        ("@daily", "has 1 fields"),
        ("60 6 * * *", r"minute '60': '60' is not 0 to 59"),
        ("0 24 * * *", r"hour '24'"),
        ("0 6 0 * *", r"day of month '0'"),
        ("0 6 * foo *", r"month 'foo': 'foo' is not 1 to 12 or jan"),
        ("0 6 * * 7", r"day of week '7'.*Sunday is 0"),
        ("0 6-4 * * *", "6 comes after 4"),
        ("*/0 6 * * *", "step '0'"),
        ("*/ 6 * * *", "step ''"),
        ("1,,2 6 * * *", "'' is not"),
        ("0 6 31 2,4 *", "never comes"),
        ("0 6 -1 * *", "'' is not"),
    ],
)
def test_a_wrong_schedule_is_named_and_nothing_is_sent(kfp, spec, cron, says):
    with pytest.raises(SubmitError, match=rf"(?s)--recurring: .*{says}"):
        send(kfp, spec, recurring=cron)
    assert kfp.requests == []


@pytest.mark.parametrize(
    ("submission", "says"),
    [
        (
            {"recurring": "0 6 * * *", "parameters": {"window_start": "x"}},
            "next window that is due",
        ),
        ({"recurring": "0 6 * * *", "follow": True}, "--follow is for one run"),
        ({"catch_up": True}, "give --recurring"),
        ({"parameters": {"windw": "x"}}, "no parameter windw; it has window_start"),
    ],
)
def test_contradictions_are_refused_before_anything_is_sent(kfp, spec, submission, says):
    with pytest.raises(SubmitError, match=says):
        send(kfp, spec, **submission)
    assert kfp.requests == []


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a: [", "is no compiled pipeline"),
        ("", "is no compiled pipeline"),
        ("just text", "is no compiled pipeline"),
        ('{"pipelineSpec": {}}', "is compiled for Vertex AI"),
    ],
)
def test_a_file_that_is_no_pipeline_is_refused(kfp, spec, content, says):
    spec.write_text(content)
    with pytest.raises(SubmitError, match=says):
        send(kfp, spec)
    assert kfp.requests == []


def test_a_missing_file_is_named(kfp, tmp_path):
    with pytest.raises(SubmitError, match=r"gone\.yaml: No such file"):
        send(kfp, tmp_path / "gone.yaml")


def test_the_servers_reason_for_refusing_a_spec_is_shown(kfp, spec):
    spec.write_text(SPEC.replace("2.1.0", "2.0.0"))
    with pytest.raises(SubmitError, match=r"HTTP 400: unknown template format.*\nmend"):
        send(kfp, spec)


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


def test_a_host_that_is_not_there(spec):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SubmitError, match=rf"{address} cannot be reached: Failed.* refused\n"):
        submit(spec, Server(host=address), Submission())


def test_a_host_without_scheme(spec):
    with pytest.raises(SubmitError, match="--host ml-pipeline:8888: begin it with https"):
        submit(spec, Server(host="ml-pipeline:8888"), Submission())


@pytest.mark.parametrize(
    ("status", "page", "says"),
    [
        (200, "<html>log in</html>", "answered with no JSON but a page"),
        (404, "<html>nothing here</html>", "HTTP 404: Not Found\ncheck --host"),
        (502, "<html>bad gateway</html>", "HTTP 502: Bad Gateway"),
    ],
)
def test_a_host_that_is_something_else(spec, status, page, says):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        try:
            with pytest.raises(SubmitError, match=says):
                submit(spec, Server(host=f"http://127.0.0.1:{other.server_port}"), Submission())
        finally:
            other.shutdown()


def test_a_missing_namespace_is_said_before_anything_is_made(kfp, spec):
    kfp.multi_user = True
    with pytest.raises(SubmitError, match="multi-user installation: give --namespace"):
        send(kfp, spec)
    assert kfp.requests == ["GET /healthz"]


def test_a_namespace_too_much_is_said(kfp, spec):
    with pytest.raises(SubmitError, match="leave --namespace kubeflow out"):
        send(kfp, spec, namespace="kubeflow")


def test_a_forbidden_namespace(kfp, spec):
    kfp.multi_user, kfp.forbidden = True, "theirs"
    with pytest.raises(SubmitError, match=r"HTTP 403: User is not authorized.*theirs.*\nask for"):
        send(kfp, spec, namespace="theirs")
    assert not uploads(kfp)


def test_a_token_of_the_environment(kfp, spec, monkeypatch):
    kfp.token = TOKEN
    monkeypatch.setenv("KF_PIPELINES_TOKEN", TOKEN)
    assert send(kfp, spec).run_id


def test_a_token_file_is_read_anew_for_each_request(kfp, spec, tmp_path):
    kfp.token, path = TOKEN, tmp_path / "token"
    path.write_text(TOKEN + "\n")
    kfp.progress = [("RUNNING", {"A": "RUNNING"}), ("SUCCEEDED", {})]

    def rotate(text):
        if text == "A: running":
            kfp.token = "the next one"
            path.write_text(kfp.token)

    assert send(kfp, spec, rotate, token_file=path, follow=True).state == "SUCCEEDED"


def test_the_token_that_kubernetes_projects_into_a_pod(kfp, spec, tmp_path, monkeypatch):
    kfp.token, path = TOKEN, tmp_path / "token"
    path.write_text(TOKEN)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(path))
    assert send(kfp, spec).run_id


def test_a_wrong_token_is_neither_shown_nor_logged(kfp, spec, monkeypatch, caplog, capfd):
    kfp.token = "another"
    monkeypatch.setenv("KF_PIPELINES_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(
        SubmitError, match=r"(?s)HTTP 401: .*\(token\).*KF_PIPELINES_TOKEN"
    ) as error:
        send(kfp, spec)
    written = capfd.readouterr()
    shown = str(error.value) + caplog.text + written.out + written.err
    assert TOKEN not in shown
    assert error.value.__cause__ is None


def test_a_token_file_that_is_not_there(kfp, spec, tmp_path):
    with pytest.raises(SubmitError, match=r"token file .*gone: No such file"):
        send(kfp, spec, token_file=tmp_path / "gone")


@pytest.mark.parametrize("upload", ["upload_pipeline", "upload_version"])
def test_somebody_else_was_faster(kfp, spec, monkeypatch, upload):
    if upload == "upload_version":
        send(kfp, spec)
        spec.write_text(SPEC.replace("defaultValue: 0", "defaultValue: 1"))
    original = getattr(kfp, upload)

    def twice(query, body):
        original(query, body)
        return original(query, body)

    monkeypatch.setattr(kfp, upload, twice)
    with pytest.raises(SubmitError, match=r"HTTP 409: Failed to create a pipeline.*\nsubmit"):
        send(kfp, spec)
    monkeypatch.setattr(kfp, upload, original)
    assert send(kfp, spec).run_id
