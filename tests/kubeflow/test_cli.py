"""compile and submit as a script sees them; the API is a stand-in on loopback."""

import json
import sys

import pytest
import yaml
from tfx_vigil.kubeflow import cli as kubeflow_cli
from tfx_vigil.kubeflow.cli import main
from tfx_vigil.pipelines import cli

from .compiled import write_config
from .kfp_server import serving


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Calls ``tfx-vigil`` in an empty folder; returns exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "quiet", lambda: None)
    monkeypatch.setenv("HOME", str(tmp_path))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["tfx-vigil", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return call


@pytest.fixture
def compiled(run, tmp_path):
    write_config(tmp_path)
    assert run("compile")[0] == 0
    return tmp_path / "pipeline.yaml"


def test_compile_writes_a_pipeline_that_passes_its_own_check(run, compiled):
    assert compiled.exists()
    code, out, _ = run("compile", "--check", compiled)
    assert code == 0
    assert "nothing that Kubeflow Pipelines refuses" in out


def test_a_pipeline_with_a_resolver_fails_the_check_with_the_reason(run, compiled):
    spec, platform = yaml.safe_load_all(compiled.read_text())
    executor = spec["deploymentSpec"]["executors"]["BaselineResolver_executor"]
    executor.pop("container")
    executor["resolver"] = {}
    compiled.write_text(yaml.safe_dump_all([spec, platform]))
    code, _, err = run("compile", "--check", compiled)
    assert code == 1
    assert "BaselineResolver_executor: a resolver, and the backend implements only" in err


def test_a_configuration_without_a_cluster_is_bad_usage(run, tmp_path):
    write_config(tmp_path, kubeflow="")
    code, _, err = run("compile")
    assert code == 2
    assert "kubeflow: the section that names the image is missing" in err


@pytest.mark.parametrize("command", [["compile"], ["submit", "--host", "http://127.0.0.1:9"]])
def test_without_kubeflows_client_it_says_what_to_install(run, monkeypatch, command):
    monkeypatch.setattr(kubeflow_cli, "find_spec", lambda name: None)
    code, _, err = run(*command)
    assert code == 2
    assert "pip install 'tfx-vigil[kfp]'" in err


def test_submit_tells_a_script_what_it_did(run, compiled):
    with serving() as kfp:
        code, out, _ = run("submit", compiled, "--host", kfp.address, "--json")
    assert code == 0
    done = json.loads(out)
    assert done["pipeline"] == "taxi-tips"
    assert done["uploaded"] is True
    [run_of_it] = kfp.runs
    assert run_of_it["service_account"] == "tfx-vigil"


def test_a_window_and_a_wish_to_retrain_become_parameters_of_the_run(run, compiled):
    window = ["--window-start", "2014-01-01", "--window-end", "2014-07-01"]
    with serving() as kfp:
        assert run("submit", compiled, "--host", kfp.address, *window, "--retrain")[0] == 0
    parameters = kfp.runs[0]["runtime_config"]["parameters"]
    assert parameters == {
        "window_start": "2014-01-01",
        "window_end": "2014-07-01",
        "on_demand": 1,
    }


def test_a_schedule_that_is_no_cron_is_bad_usage_and_nothing_is_sent(run, compiled):
    with serving() as kfp:
        code, _, err = run("submit", compiled, "--host", kfp.address, "--recurring", "daily")
    assert code == 2
    assert "five are expected" in err
    assert not kfp.requests


def test_a_host_that_does_not_answer_is_a_failure_in_two_lines(run, compiled):
    code, _, err = run("submit", compiled, "--host", "http://127.0.0.1:9")
    assert code == 1
    assert "http://127.0.0.1:9 cannot be reached" in err
    assert "Traceback" not in err
