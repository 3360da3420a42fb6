"""Submitting, against a stand-in of the API on loopback: the kfp client is the real one."""

import pytest
from tfx_vigil.kubeflow.kfp_api import SubmitError
from tfx_vigil.kubeflow.schedule import kfp_cron

from .submitting import SPEC, enabled, send, uploads


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
