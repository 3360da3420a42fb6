import json
import re
import subprocess
import sys

import pytest
import yaml
from tfx_vigil.kubeflow.check import check
from tfx_vigil.kubeflow.compile import compile_pipeline, load_cluster_config
from tfx_vigil.pipelines.yaml_file import ConfigError

from .compiled import KUBEFLOW, RETRAINING, compiled, write_config


@pytest.fixture(scope="module")
def config_path(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp("config"))


@pytest.fixture(scope="module")
def text(config_path):
    return compile_pipeline(load_cluster_config(config_path))


@pytest.fixture(scope="module")
def spec(text):
    return next(yaml.safe_load_all(text))


@pytest.fixture(scope="module")
def pods(text):
    platform = list(yaml.safe_load_all(text))[1]
    return platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


def test_the_demo_compiles_to_what_the_backend_accepts(text):
    assert check(text) == []


def test_another_process_compiles_the_same_bytes(config_path, text, tmp_path):
    code = (
        "import sys; from tfx_vigil.kubeflow.compile import *;"
        "open(sys.argv[2], 'w').write(compile_pipeline(load_cluster_config(sys.argv[1])))"
    )
    output = tmp_path / "again.yaml"
    subprocess.run(
        [sys.executable, "-c", code, str(config_path), str(output)],
        check=True,
        capture_output=True,
        env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )
    assert output.read_text() == text


def test_every_runtime_parameter_has_a_default(spec):
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert {name: p["defaultValue"] for name, p in parameters.items()} == {
        "history_root": "/vigil/history",
        "on_demand": 0,
        "window_end": "",
        "window_start": "",
    }


def test_relative_paths_lie_on_the_volume(spec):
    constants = json.dumps(spec)
    assert "/vigil/logs/*/*.json" in constants
    assert "/vigil/serving" in constants


def test_every_node_but_the_resolver_runs_only_when_a_window_is_due(spec):
    for name, task in tasks(spec).items():
        condition = task.get("triggerPolicy", {}).get("condition", "")
        assert ("metadata['due'] == 1.0" in condition) == (name != "WindowResolver")


def test_only_the_retraining_waits_for_the_decision(spec):
    waiting = {n for n, t in tasks(spec).items() if "['retrain'] == 1.0" in json.dumps(t)}
    assert waiting == RETRAINING


def test_the_keyset_comes_from_its_secret_and_only_where_it_is_used(spec, pods):
    entry = {"secretKey": "keyset.json", "envVar": "TFX_VIGIL_KEYSET"}
    holders = {label: pod["secretAsEnv"] for label, pod in pods.items() if "secretAsEnv" in pod}
    assert holders == {
        "ProtectedIngest_executor": [{"secretName": "tfx-vigil-keyset", "keyToEnv": [entry]}]
    }
    assert "keys/keyset.json" not in json.dumps(spec)


def test_keys_in_vault_stay_there_and_the_secret_gives_address_and_token(tmp_path):
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace("keys/keyset.json", "vault:transit/taxi"))
    config = load_cluster_config(path)
    assert config.privacy.keyset == "vault:transit/taxi"
    spec, platform = yaml.safe_load_all(compile_pipeline(config))
    assert "vault:transit/taxi" in json.dumps(spec)
    pods = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    names = ("VAULT_ADDR", "VAULT_TOKEN")
    entries = [{"secretKey": name, "envVar": name} for name in names]
    assert pods["ProtectedIngest_executor"]["secretAsEnv"] == [
        {"secretName": "tfx-vigil-keyset", "keyToEnv": entries}
    ]


def test_the_volume_is_mounted_only_where_history_logs_or_models_are(pods):
    mounted = {label.removesuffix("_executor") for label, pod in pods.items() if "pvcMount" in pod}
    assert mounted == {
        "WindowResolver",
        "BaselineResolver",
        "ProtectedIngest",
        "SlicedEvaluator",
        "RetrainGate",
        "SpanRecorder",
        "TrainingExamples",
        "EarlierModels",
        "PushGate",
        "Pusher",
        "PushRecorder",
    }


def test_every_node_has_requests_limits_retries_and_a_time_limit(spec, pods):
    executors = spec["deploymentSpec"]["executors"]
    for name, task in tasks(spec).items():
        resources = executors[f"{name}_executor"]["container"]["resources"]
        assert 0 < resources["cpuRequest"] <= resources["cpuLimit"]
        assert 0 < resources["memoryRequest"] <= resources["memoryLimit"]
        assert task["retryPolicy"]["maxRetryCount"] >= 1
        assert pods[f"{name}_executor"]["activeDeadlineSeconds"] >= 60


def test_a_node_can_be_given_more(tmp_path):
    more = "  nodes:\n    FineTunedTrainer: {memory_gb: 8, memory_limit_gb: 16, retries: 0}\n"
    spec, _ = compiled(tmp_path, KUBEFLOW + more)
    trainer = spec["deploymentSpec"]["executors"]["FineTunedTrainer_executor"]["container"]
    assert trainer["resources"]["memoryRequest"] == 8
    assert trainer["resources"]["memoryLimit"] == 16
    assert tasks(spec)["FineTunedTrainer"]["retryPolicy"]["maxRetryCount"] == 0


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ("{Trainer: {cpu: 4}}", "no node is called Trainer; there are BaselineResolver"),
        ("{Pusher: {memory: 4}}", r"kubeflow.nodes.Pusher.memory: .*unknown key"),
        ("{Pusher: {retries: -1}}", r"kubeflow.nodes.Pusher.retries"),
        ("{Pusher: {cpu: 2}}", r"kubeflow.nodes.Pusher.*cpu_limit"),
    ],
)
def test_a_node_that_is_not_there_or_a_limit_that_makes_no_sense_is_refused(
    tmp_path, nodes, message
):
    with pytest.raises(ConfigError, match=message):
        compiled(tmp_path, KUBEFLOW + f"  nodes: {nodes}\n")


def test_caching_is_on_where_outputs_follow_from_inputs_alone(spec):
    cached = {n for n, t in tasks(spec).items() if t.get("cachingOptions", {}).get("enableCache")}
    assert {"DriftValidator", "FromScratchTrainer"} <= cached
    assert cached.isdisjoint(
        {"WindowResolver", "BaselineResolver", "RetrainGate", "SpanRecorder", "Pusher"}
    )


def test_ingestion_is_cached_by_its_files_fingerprint_unless_a_key_takes_part(tmp_path, spec):
    assert "cachingOptions" not in tasks(spec)["ProtectedIngest"]
    path = write_config(tmp_path, rider_email="{method: redact}", rider_phone="{method: redact}")
    keyless = next(yaml.safe_load_all(compile_pipeline(load_cluster_config(path))))
    ingest = tasks(keyless)["ProtectedIngest"]
    assert ingest["cachingOptions"] == {"enableCache": True}
    assert ingest["inputs"]["parameters"]["fingerprint"] == {
        "taskOutputParameter": {
            "producerTask": "WindowResolver",
            "outputParameterKey": "fingerprint",
        }
    }


def test_a_configuration_without_a_cluster_is_refused_with_the_key(tmp_path):
    with pytest.raises(ConfigError, match="kubeflow: the section that names the image"):
        load_cluster_config(write_config(tmp_path, kubeflow=""))


def test_vertex_gets_a_pipeline_job_with_everything_in_its_buckets(tmp_path):
    path = write_config(
        tmp_path,
        "\nkubeflow:\n  image: registry.example/tfx-vigil:0.1.0\n  pipeline_root: gs://b/root\n",
        rider_email="{method: redact}",
        rider_phone="{method: redact}",
        history_root="gs://b/history",
        serving_dir="gs://b/serving",
        files="gs://b/logs/*.json",
    )
    job = json.loads(compile_pipeline(load_cluster_config(path), "vertex"))
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://b/root"
    assert job["pipelineSpec"]["schemaVersion"] == "2.1.0"
    assert "--remote" in json.dumps(job)
    assert not re.search(r"/vigil/(?!keys)", json.dumps(job))


def test_beam_workers_elsewhere_need_artifacts_that_they_can_reach(tmp_path):
    flink = "{runner: flink, options: {flink_master: 'flink:8081'}}"
    near = write_config(tmp_path, history_root=f"history\n  beam: {flink}")
    with pytest.raises(ConfigError, match=r"kubeflow.pipeline_root: .*minio://.* give gs://"):
        compile_pipeline(load_cluster_config(near))
    text = near.read_text().replace("minio://mlpipeline", "gs://mlpipeline")
    near.write_text(text)
    spec = next(yaml.safe_load_all(compile_pipeline(load_cluster_config(near))))
    container = spec["deploymentSpec"]["executors"]["ProtectedIngest_executor"]["container"]
    assert container["command"][-1] == "--remote"
    assert "--runner=FlinkRunner" in container["args"]
    raw = tasks(spec)["ProtectedIngest"]["inputs"]["parameters"]["raw_root"]
    assert raw == {"runtimeValue": {"constant": "/vigil/pipeline/LogIngest"}}


def test_vertex_refuses_keyed_pseudonyms_and_local_paths_with_the_reason(tmp_path):
    config = load_cluster_config(write_config(tmp_path))
    with pytest.raises(ConfigError, match="Vertex AI gives no secrets"):
        compile_pipeline(config, "vertex")
    path = write_config(tmp_path, rider_email="{method: redact}", rider_phone="{method: redact}")
    with pytest.raises(
        ConfigError, match=r"runtime.history_root: .* mounts no volumes: give gs://"
    ):
        compile_pipeline(load_cluster_config(path), "vertex")
