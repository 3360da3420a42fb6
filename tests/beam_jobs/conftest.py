import pytest
from tfx_vigil.beam_jobs import keysets


@pytest.fixture
def key_path(tmp_path):
    path = str(tmp_path / "keys" / "keyset.json")
    keysets.create(path)
    return path
