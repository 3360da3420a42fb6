import tempfile

import pytest
from tfx_vigil.pipelines.demo.demo import run_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """The folder of a demo of two spans; temporary files of the run are kept beside it."""
    out = tmp_path_factory.mktemp("demo")
    temp = out / "temp"
    temp.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(temp))
        patch.setattr(tempfile, "tempdir", None)
        outcomes = list(run_demo(out, spans=2))
    return out, {outcome.span: outcome for outcome in outcomes}
