"""Beam's job service and a pool of worker processes, as separate processes on this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tfx_vigil.pipelines.beam_options import BeamConfig

TWO_PROCESSES = BeamConfig(runner="multi_processing", options={"direct_num_workers": 2})
_START_SECONDS = 60


@contextmanager
def portable_runner(folder):
    """A BeamConfig of the portable runner, whose services live as long as the context."""
    jobs, workers = _free_port(), _free_port()
    with ExitStack() as stack:
        for module, option in (
            ("portability.local_job_service_main", f"--port={jobs}"),
            ("worker.worker_pool_main", f"--service_port={workers}"),
        ):
            stack.enter_context(_service(module, option, folder))
        for port in (jobs, workers):
            _wait_for(port)
        yield BeamConfig(
            runner="portable",
            options={
                "job_endpoint": f"localhost:{jobs}",
                "environment_type": "EXTERNAL",
                "environment_config": f"localhost:{workers}",
            },
        )


@contextmanager
def _service(module, option, folder):
    # The pool starts its workers as "python".
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with open(Path(folder) / f"{module}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", f"apache_beam.runners.{module}", option],
            env=os.environ | {"PATH": path},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(port):
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return socket.create_connection(("localhost", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
