from pathlib import Path

import pytest
from tfx_vigil.pipelines import demo
from tfx_vigil.pipelines.config import load_config
from tfx_vigil.pipelines.lock import exclusive
from tfx_vigil.pipelines.yaml_file import ConfigError


@pytest.fixture
def config(tmp_path):
    return load_config(Path(demo.__file__).with_name("vigil.yaml"), tmp_path)


def test_a_run_on_this_machine_needs_its_pipeline_root_on_a_disk(config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runtime = config.runtime.model_copy(update={"pipeline_root": "gs://bucket/root"})
    remote = config.model_copy(update={"runtime": runtime})
    refused = pytest.raises(ConfigError, match=r"runtime.pipeline_root: .*compile the pipeline")
    with refused, exclusive(remote):
        pass
    assert not list(tmp_path.iterdir())
