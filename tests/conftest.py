import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture(scope="session", autouse=True)
def _in_process():
    from tfx_vigil.beam_jobs.engine import in_process_by_default

    with in_process_by_default():
        yield
