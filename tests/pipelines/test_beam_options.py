import socket
import time

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import (
    DirectOptions,
    FlinkRunnerOptions,
    GoogleCloudOptions,
    PipelineOptions,
    PortableOptions,
    SparkRunnerOptions,
    StandardOptions,
    WorkerOptions,
)
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import create_runner
from pydantic import ValidationError
from tfx_vigil.pipelines.beam_options import BeamConfig, Unreachable
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.yaml_file import ConfigError

IMAGE = "registry.example/tfx-vigil:1"
JOB_SERVICE = {"job_endpoint": "jobs.example:8099"}
POOL = {"environment_type": "EXTERNAL", "environment_config": "localhost:50000"}
DATAFLOW = {
    "project": "a-project",
    "region": "europe-west1",
    "temp_location": "gs://a-bucket/temp",
}
VIGIL_YAML = """\
model: {{name: tips, features: {{fare: float}}, serving_dir: serving}}
spans: {{start: 2014-01-01}}
logs:
  format: json_lines
  files: {root}/logs/*.jsonl
privacy: {{default: keep}}
runtime:
  pipeline_root: {root}/pipeline
  history_root: {root}/history
  beam: {beam}
"""


def parsed(runner, options, image=None):
    return PipelineOptions(BeamConfig(runner=runner, options=options).args(image))


def load(tmp_path, beam, root="gs://a-bucket", more=""):
    (tmp_path / "vigil.yaml").write_text(VIGIL_YAML.format(beam=beam, root=root) + more)
    return load_config(tmp_path / "vigil.yaml")


def test_without_options_jobs_run_in_this_process_and_tfx_packs_nothing():
    assert BeamConfig().args() == []
    assert "--sdk_container_image=unused" in BeamConfig(options={"profile_cpu": True}).args()


def test_multi_processing_takes_every_core_unless_told_otherwise():
    options = parsed("multi_processing", {}).view_as(DirectOptions)
    assert (options.direct_running_mode, options.direct_num_workers) == ("multi_processing", 0)
    options = parsed("multi_processing", {"direct_num_workers": 3}).view_as(DirectOptions)
    assert options.direct_num_workers == 3


@pytest.mark.parametrize(
    ("runner", "options"),
    [
        ("multi_processing", {}),
        ("portable", JOB_SERVICE | POOL),
        ("flink", JOB_SERVICE | POOL),
        ("spark", {"spark_master_url": "spark://spark.example:7077"}),
        ("dataflow", DATAFLOW),
    ],
)
def test_every_runner_is_one_that_beam_has(runner, options):
    args = BeamConfig(runner=runner, options=options).args(IMAGE)
    assert create_runner(PipelineOptions(args).view_as(StandardOptions).runner)
    assert any(arg.startswith("--sdk_container_image=") for arg in args)


def test_values_reach_beam_as_its_own_types():
    options = {"flink_version": 1.19, "parallelism": 8, "experiments": ["one", "two=2"]}
    given = parsed("flink", JOB_SERVICE | POOL | options)
    flink = given.view_as(FlinkRunnerOptions)
    assert (flink.flink_version, flink.parallelism) == ("1.19", 8)
    assert given.get_all_options()["experiments"] == ["one", "two=2"]
    spark = {"spark_master_url": "spark://s:7077", "spark_submit_uber_jar": True}
    spark = parsed("spark", spark | POOL | {"spark_rest_url": "http://s:6066"})
    assert spark.view_as(SparkRunnerOptions).spark_submit_uber_jar is True
    process = {"environment_type": "PROCESS", "environment_config": {"command": "/boot"}}
    process = parsed("portable", JOB_SERVICE | process)
    assert process.view_as(PortableOptions).environment_config == '{"command": "/boot"}'


def environments_of(options):
    pipeline = beam.Pipeline(options=options)
    _ = pipeline | beam.Create([1]) | beam.Map(str)
    proto = PortableRunner.get_proto_pipeline(pipeline, options)
    return list(proto.components.environments.values())


@pytest.mark.parametrize("runner", ["portable", "flink", "spark"])
def test_workers_in_containers_run_our_image(runner):
    for options, image in (({}, IMAGE), ({"sdk_container_image": "other:2"}, "other:2")):
        (environment,) = environments_of(parsed(runner, JOB_SERVICE | options, IMAGE))
        assert environment.urn == common_urns.environments.DOCKER.urn
        payload = beam_runner_api_pb2.DockerPayload.FromString(environment.payload)
        assert payload.container_image == image
        assert not environment.dependencies


@pytest.mark.parametrize("runner", ["portable", "flink", "spark"])
def test_workers_of_a_pool_are_asked_for_where_it_listens(runner):
    (environment,) = environments_of(parsed(runner, JOB_SERVICE | POOL))
    assert environment.urn == common_urns.environments.EXTERNAL.urn
    payload = beam_runner_api_pb2.ExternalPayload.FromString(environment.payload)
    assert payload.endpoint.url == "localhost:50000"


def test_dataflow_s_workers_run_our_image():
    options = parsed("dataflow", DATAFLOW, IMAGE)
    assert options.view_as(WorkerOptions).sdk_container_image == IMAGE
    assert options.view_as(GoogleCloudOptions).temp_location == "gs://a-bucket/temp"


def test_complete_dataflow_options_are_checked_without_a_network(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("the check uses the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    start = time.monotonic()
    BeamConfig(runner="dataflow", options=DATAFLOW | {"max_num_workers": 8})
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("runner", "options", "message"),
    [
        ("DaskRunner", {}, r"loses data .* reports success .* use multi_processing"),
        ("dask", {}, "loses data"),
        ("PrismRunner", {}, "'in_process', 'multi_processing', 'portable'"),
        ("portable", {}, r"needs options\.job_endpoint"),
        ("flink", POOL, r"needs options\.job_endpoint or options\.flink_master"),
        ("spark", POOL, r"needs options\.job_endpoint or options\.spark_master_url"),
        ("dataflow", {"project": "a-project"}, r"needs options\.region"),
        ("portable", POOL | {"job_endpoint": "jobs.example"}, "expected host:port"),
        ("portable", POOL | {"job_endpoint": "embed"}, "expected host:port"),
        ("portable", POOL | {"job_endpint": "h:1"}, "did you mean job_endpoint"),
        ("portable", JOB_SERVICE | {"environment_type": "LOOPBACK"}, "one process"),
        ("portable", JOB_SERVICE | {"environment_type": "POD"}, "DOCKER, EXTERNAL, PROCESS"),
        ("portable", JOB_SERVICE | {"environment_type": "EXTERNAL"}, "external_service_address"),
        ("portable", JOB_SERVICE | {"environment_type": "PROCESS"}, "process_command"),
        ("flink", JOB_SERVICE | POOL | {"flink_version": "0.9"}, r"flink_version: .*1\.19"),
        ("flink", JOB_SERVICE | POOL | {"parallelism": "many"}, "parallelism: invalid int"),
        ("flink", JOB_SERVICE | POOL | {"parallelism": [1, 2]}, "parallelism: takes one value"),
        ("flink", JOB_SERVICE | POOL | {"parallelism": True}, "parallelism: expected a text or"),
        ("flink", JOB_SERVICE | POOL | {"flink_submit_uber_jar": "yes"}, "expected true or false"),
        (
            "spark",
            {"spark_master_url": "spark://s:7077", "spark_submit_uber_jar": True},
            "needs options.spark_rest_url",
        ),
        ("dataflow", DATAFLOW | {"temp_location": "/tmp"}, "temp_location"),
        ("dataflow", DATAFLOW | {"project": "1234"}, "(?i)project"),
        ("dataflow", DATAFLOW | {"num_workers": 9, "max_num_workers": 2}, "cannot exceed"),
        ("in_process", {"runner": "FlinkRunner"}, r"runtime\.beam\.runner says it"),
        ("in_process", {"direct_running_mode": "multi_threading"}, "says it"),
        ("in_process", {"experiments": None}, "expected a text or a number"),
        ("in_process", {"help": True}, "not an option of Beam"),
    ],
)
def test_options_that_cannot_work_are_refused_with_the_reason(runner, options, message):
    with pytest.raises(ValidationError, match=message):
        BeamConfig(runner=runner, options=options)


def test_secrets_are_refused_and_not_repeated(tmp_path):
    beam = "{runner: portable, options: {job_endpoint: 'h:1', s3_secret_access_key: topsecret}}"
    with pytest.raises(ConfigError, match="s3_secret_access_key: a secret would be") as error:
        load(tmp_path, beam)
    assert "topsecret" not in str(error.value)


def test_errors_name_the_line_and_key_of_the_file(tmp_path):
    beam = "\n    runner: portable\n    options: {job_endpint: 'h:1'}"
    with pytest.raises(ConfigError, match=r"vigil.yaml:12: runtime.beam.options: job_endpint: "):
        load(tmp_path, beam)


def test_an_image_is_needed_where_workers_are_containers(tmp_path):
    beam = "{runner: flink, options: {flink_master: 'flink.example:8081'}}"
    with pytest.raises(ConfigError, match=r"give options.sdk_container_image or kubeflow.image"):
        load(tmp_path, beam)
    config = load(tmp_path, beam, more=f"kubeflow: {{image: '{IMAGE}'}}\n")
    assert f"--environment_config={IMAGE}" in config.beam_args


def test_dataflow_is_given_only_places_that_its_workers_can_use(tmp_path):
    beam = str({"runner": "dataflow", "options": DATAFLOW | {"sdk_container_image": IMAGE}})
    assert "--runner=DataflowRunner" in load(tmp_path, beam).beam_args
    with pytest.raises(ConfigError, match=r"vigil.yaml:5: logs.files: .*gs://"):
        load(tmp_path, beam, root="/shared")
    more = f"kubeflow: {{image: '{IMAGE}', pipeline_root: 'minio://bucket/runs'}}\n"
    with pytest.raises(ConfigError, match=r"kubeflow.pipeline_root: .*minio://bucket/runs"):
        load(tmp_path, beam, more=more)


def test_a_shared_file_system_is_for_the_others(tmp_path):
    beam = str({"runner": "flink", "options": JOB_SERVICE | POOL})
    assert load(tmp_path, beam, root="/shared").beam_args[0] == "--runner=FlinkRunner"


def test_a_service_that_does_not_answer_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        config = BeamConfig(runner="portable", options=POOL | {"job_endpoint": f"127.0.0.1:{port}"})
        config.check_reachable()
    with pytest.raises(Unreachable, match=rf"options.job_endpoint: nobody answers at .*:{port}"):
        config.check_reachable(timeout=1)


@pytest.mark.parametrize("master", ["[auto]", "[local]"])
def test_what_names_no_address_is_not_looked_for(master):
    config = BeamConfig(runner="flink", options=POOL | {"flink_master": master})
    config.check_reachable(timeout=0.1)
