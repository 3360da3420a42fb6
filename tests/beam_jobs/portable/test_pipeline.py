"""The monitoring pipeline, every node of it, with Beam's workers in processes of their own."""

import json
import shutil

import pytest
import yaml
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.demo.demo import run_demo
from tfx_vigil.pipelines.run import run_span

from ...e2e.test_taxi import FIRST, comparable, leaks
from .services import portable_runner

pytestmark = pytest.mark.portable


@pytest.fixture(scope="module")
def in_process(tmp_path_factory):
    out = tmp_path_factory.mktemp("in-process")
    list(run_demo(out, spans=1))
    return out


def before_the_span(out, folder):
    """A copy of the demo as it was before its span ran."""
    for name in ("data", "logs", "truth", "keys", "history"):
        shutil.copytree(out / name, folder / name)
    shutil.copy(out / "vigil.yaml", folder)
    shutil.rmtree(folder / "history" / "spans")
    baseline = folder / "history" / "baseline" / "record.json"
    record = json.loads(baseline.read_text())
    baseline.write_text(json.dumps(record | {"model": str(baseline.with_name("model"))}))
    return folder


def test_a_span_on_the_portable_runner_ends_in_the_same_history(in_process, tmp_path):
    folder = before_the_span(in_process, tmp_path / "portable")
    services = tmp_path / "services"
    services.mkdir()
    with portable_runner(services) as beam:
        settings = yaml.safe_load((folder / "vigil.yaml").read_text())
        settings["runtime"]["beam"] = beam.model_dump()
        (folder / "vigil.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
        config = load_config(folder / "vigil.yaml")
        run_span(config, config.spans.window_of(FIRST))
    log = (services / "portability.local_job_service_main.log").read_text()
    assert log.count("with state DONE") >= 8
    found, expected = comparable(folder, FIRST), comparable(in_process, FIRST)
    assert found.keys() == expected.keys()
    for name, text in expected.items():
        assert json.loads(found[name]) == json.loads(text), name
    for place in (folder / "pipeline", folder / "history", services):
        assert list(leaks(place)) == []
