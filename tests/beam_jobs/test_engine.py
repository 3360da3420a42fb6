"""Nothing runs outside this process unless it is told to."""

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx_vigil.beam_jobs.engine import IN_PROCESS, in_process_by_default, job_options


@pytest.mark.parametrize(
    ("beam_args", "runner"),
    [
        ([], IN_PROCESS),
        (["--direct_num_workers=2"], IN_PROCESS),
        (["--runner=FlinkRunner", "--flink_version=1.19"], "FlinkRunner"),
    ],
)
def test_jobs_run_in_this_process_unless_an_engine_is_named(beam_args, runner):
    assert job_options(beam_args).view_as(StandardOptions).runner == runner


def test_pipelines_of_others_run_in_this_process_meanwhile(monkeypatch):
    monkeypatch.setattr(StandardOptions, "DEFAULT_RUNNER", "DirectRunner")
    with in_process_by_default(), beam.Pipeline(argv=[]) as pipeline:
        _ = pipeline | beam.Create([1])
    assert isinstance(pipeline.runner, FnApiRunner)
    assert StandardOptions.DEFAULT_RUNNER == "DirectRunner"
