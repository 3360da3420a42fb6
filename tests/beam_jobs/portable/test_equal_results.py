"""What a job gives does not depend on where and in how many processes its workers run."""

import os

import apache_beam as beam
import pytest
from tfx_vigil.beam_jobs.engine import job_options

from . import jobs
from .services import TWO_PROCESSES

pytestmark = pytest.mark.portable


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    return jobs.Day(tmp_path_factory.mktemp("day"))


@pytest.fixture(scope="module")
def expected(day, tmp_path_factory):
    """Each job's result in this process, made once."""
    folder, made = tmp_path_factory.mktemp("in-process"), {}

    def expected(job):
        if job not in made:
            made[job] = job(day, folder / job.__name__, [])
        return made[job]

    return expected


@pytest.mark.parametrize("job", jobs.JOBS)
def test_a_job_on_the_portable_runner_s_worker_processes(job, day, expected, portable, tmp_path):
    assert job(day, tmp_path / "out", portable) == expected(job)


@pytest.mark.parametrize("job", jobs.JOBS)
def test_a_job_on_worker_processes_of_this_machine(job, day, expected, tmp_path):
    assert job(day, tmp_path / "out", TWO_PROCESSES.args()) == expected(job)


def worker_process(folder, beam_args):
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        _ = (
            pipeline
            | beam.Create([()])
            | beam.MapTuple(os.getpid)
            | beam.io.WriteToText(str(folder / "pid"), num_shards=1)
        )
    (file,) = folder.glob("pid*")
    return int(file.read_text())


def test_workers_are_processes_of_their_own(portable, tmp_path):
    places = {"here": [], "portable": portable, "multi_processing": TWO_PROCESSES.args()}
    found = {}
    for name, args in places.items():
        (tmp_path / name).mkdir()
        found[name] = worker_process(tmp_path / name, args)
    assert found["here"] == os.getpid()
    assert len(set(found.values())) == 3


def test_the_day_has_something_of_everything(expected):
    report, letters, serving, labelled = expected(jobs.ingest)
    assert report["counts"]["rows_duplicate"] > 10
    assert len(letters) > 0
    assert len(serving) > 2900
    assert len(labelled) > 2400
    assert expected(jobs.protect)[0]["rows_written"] == len(serving) + len(labelled)
    assert len(expected(jobs.scrub)) == len(letters)
    train, held_out, old = map(len, expected(jobs.select))
    assert min(train, held_out) > 500
    assert old > 100
    for job in (jobs.evaluate_logged, jobs.evaluate_models):
        assert len({metric["slice"] for metric in expected(job)["metrics"]}) == 1 + 3 + 15
    for job in (jobs.statistics_of_examples, jobs.statistics_of_parquet, jobs.statistics_of_csv):
        assert len([name for name in expected(job) if isinstance(name, str)]) == 1 + 3 + 15
