import pytest

from .kfp_server import serving
from .submitting import SPEC


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
