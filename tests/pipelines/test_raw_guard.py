import os
import signal
import subprocess
import sys
import time

import pytest
from tfx_vigil.pipelines.raw_guard import no_raw_data_left

WRITE_AND_WAIT = """
import os, pathlib, sys, time
from tfx_vigil.pipelines.raw_guard import no_raw_data_left
folder = pathlib.Path(sys.argv[1])
with no_raw_data_left(str(folder)):
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "raw").write_text("raw")
    print("written", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    (folder / "examples").mkdir(parents=True)
    (folder / "examples" / "raw").write_text("of a run before")
    return folder


def gone(folder, seconds=20):
    until = time.monotonic() + seconds
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not folder.exists()


def test_raw_data_of_an_earlier_run_is_deleted_before_and_of_this_one_after(raw):
    with no_raw_data_left(str(raw)):
        assert not raw.exists()
        raw.mkdir()
        (raw / "file").touch()
    assert not raw.exists()


def test_raw_data_is_deleted_when_the_run_fails(raw):
    def run():
        with no_raw_data_left(str(raw)):
            raw.mkdir()
            raise RuntimeError("a node failed")

    with pytest.raises(RuntimeError, match="a node"):
        run()
    assert not raw.exists()


@pytest.mark.parametrize("whom", ["the run", "its whole process group"])
def test_raw_data_is_deleted_when_the_run_is_killed(raw, whom):
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(raw)]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert run.stdout.readline() == b"written\n"
    assert (raw / "examples" / "raw").exists()
    (os.kill if whom == "the run" else os.killpg)(run.pid, signal.SIGKILL)
    run.wait()
    run.stdout.close()
    assert gone(raw)
