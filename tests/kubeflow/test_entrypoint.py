"""The entrypoint under the launcher's file protocol: files on disk, JSON in and out."""

import json
import subprocess
import sys
from datetime import datetime, timezone

import pytest
from tfx_vigil.components.history import BaselineRecord, History
from tfx_vigil.kubeflow import entrypoint

ROOT = "minio://mlpipeline/v2/artifacts/taxi/run/"


@pytest.fixture
def mounts(tmp_path, monkeypatch):
    """The launcher's mounts, below a temporary folder."""
    places = {scheme: f"{tmp_path}{mount}" for scheme, mount in entrypoint.MOUNTS.items()}
    monkeypatch.setattr(entrypoint, "MOUNTS", places)
    return tmp_path


def run(mounts, executor, outputs, parameters, root=ROOT, first=()):
    """Runs an executor as the launcher would; returns its output file."""
    output_file = mounts / "kfp_outputs" / "output_metadata.json"
    artifacts = {
        key: {
            "artifacts": [
                {"name": key, "uri": f"{root}{key}", "type": {"instanceSchema": f"title: {kind}"}}
            ]
        }
        for key, kind in outputs.items()
    }
    executor_input = {
        "inputs": {"parameterValues": parameters},
        "outputs": {
            "artifacts": artifacts,
            "outputFile": str(output_file),
            "parameters": {
                key: {"outputFile": str(mounts / "parameters" / key)}
                for key, kind in outputs.items()
                if kind == "tfx.String"
            },
        },
    }
    (mounts / "minio" / ROOT.removeprefix("minio://")).mkdir(parents=True)
    types = {"parameters": {name: {"parameterType": "STRING"} for name in parameters}}
    entrypoint.run(
        [
            *first,
            "--executor_class_path",
            f"tfx_vigil.components.{executor}.executor.Executor",
            "--json_serialized_invocation_args",
            json.dumps(executor_input),
            "--json_serialized_inputs_spec_args",
            json.dumps(types),
        ]
    )
    return json.loads(output_file.read_text())


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/v2/x", "/minio/mlpipeline/v2/x"),
        ("s3://bucket/x", "/s3/bucket/x"),
        ("gs://bucket/x", "/gcs/bucket/x"),
    ],
)
def test_a_uri_and_its_place_on_disk_are_mapped_to_each_other(uri, path):
    assert entrypoint.local_path(uri) == path
    assert entrypoint.remote_uri(path) == uri


@pytest.mark.parametrize("uri", ["/vigil/history", "oci://registry/model", "file:///x"])
def test_what_the_launcher_does_not_copy_stays_as_it_is(uri):
    assert entrypoint.local_path(uri) == uri
    assert entrypoint.remote_uri(uri) == uri


def window(mounts, root=ROOT, first=(), **given):
    parameters = {
        "history_root": str(mounts / "history"),
        "spans": json.dumps({"start": "2014-01-01", "length": "P1D"}),
        "ingest": json.dumps({"format": "kserve", "logs": [str(mounts / "logs" / "*.json")]}),
        "window_start": "",
        "window_end": "",
        **given,
    }
    keys = ("span", "start", "end", "fingerprint")
    return run(
        mounts, "window_resolver", dict.fromkeys(keys, "tfx.String"), parameters, root, first
    )


def test_values_come_back_as_output_parameters(mounts):
    (mounts / "logs").mkdir()
    (mounts / "logs" / "a.json").write_text("{}")
    values = window(mounts)["parameterValues"]
    assert values["span"] == "2014-01-01"
    assert datetime.fromisoformat(values["end"]) == datetime(2014, 1, 2, tzinfo=timezone.utc)
    assert len(values["fingerprint"]) == 64


def test_output_artifacts_keep_the_uri_that_the_launcher_gave_them(mounts):
    (mounts / "logs").mkdir()
    (mounts / "logs" / "a.json").write_text("{}")
    [artifact] = window(mounts)["artifacts"]["span"]["artifacts"]
    assert artifact["uri"] == f"{ROOT}span"
    assert artifact["metadata"]["due"] == 1.0
    assert (mounts / "minio/mlpipeline/v2/artifacts/taxi/run/span").exists()


def test_files_of_an_artifact_lie_where_the_launcher_uploads_from(mounts):
    history = History(str(mounts / "history"))
    model = mounts / "model"
    model.mkdir()
    (model / "saved_model.pb").write_bytes(b"model")
    history.write_baseline(BaselineRecord(model=str(model), rows=1))
    outputs = {
        "schema": "tfx.Schema",
        "training_statistics": "tfx.ExampleStatistics",
        "reference_statistics": "tfx.ExampleStatistics",
        "model": "tfx.Model",
    }
    parameters = {
        "history_root": history.root,
        "span": "2014-01-01",
        "prediction": "prediction",
        "references": "{}",
    }
    output = run(mounts, "baseline_resolver", outputs, parameters)
    [artifact] = output["artifacts"]["model"]["artifacts"]
    assert artifact["metadata"]["available"] == 1.0
    copied = mounts / "minio/mlpipeline/v2/artifacts/taxi/run/model/Format-Serving/saved_model.pb"
    assert copied.read_bytes() == b"model"


def test_an_executor_that_fails_leaves_no_output_file(mounts):
    with pytest.raises(ValueError, match="give both, or neither"):
        window(mounts, window_start="2014-01-01")
    assert not (mounts / "kfp_outputs" / "output_metadata.json").exists()


def test_uris_stay_as_they_are_where_nothing_is_copied(mounts):
    (mounts / "logs").mkdir()
    (mounts / "logs" / "a.json").write_text("{}")
    (mounts / "remote").mkdir()
    output = window(mounts, f"{mounts}/remote/", ["--remote"])
    assert output["artifacts"]["span"]["artifacts"][0]["uri"] == f"{mounts}/remote/span"
    assert (mounts / "remote" / "span").read_text() == "2014-01-01"


def test_as_a_program_it_runs_the_executor_and_fails_with_its_error(tmp_path):
    executor_input = {"outputs": {"outputFile": str(tmp_path / "output.json")}}
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "tfx_vigil.kubeflow.entrypoint"),
            *("--executor_class_path", "tfx_vigil.components.window_resolver.executor.Executor"),
            *("--json_serialized_invocation_args", json.dumps(executor_input)),
        ],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 1
    assert "KeyError: 'window_start'" in ran.stderr
