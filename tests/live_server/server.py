"""MLServer on this machine, in an environment of its own."""

import json
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
_ROOT = HERE.parents[1]
_BIN = _ROOT / ".uv/live-server/bin"
_START_SECONDS = 60


class Ports(NamedTuple):
    http: int
    grpc: int


def make_environment():
    """500 MB, 10 to 20 s, the first time."""
    make = _ROOT / "requirements/environment.sh"
    subprocess.run([make, "live-server", "3.12", "3.11", "3.10"], check=True)


def run_there(script, *arguments, stdin):
    """The output of a script of this folder, run in the server's environment; JSON as its input."""
    return subprocess.run(
        [_BIN / "python", HERE / script, *arguments],
        input=json.dumps(stdin),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


@contextmanager
def model_server(repository):
    """Serves a folder of models on loopback for as long as the context lives."""
    ports = Ports(*_free_ports(2))
    settings = {
        "host": "127.0.0.1",
        "http_port": ports.http,
        "grpc_port": ports.grpc,
        "metrics_endpoint": None,
        "parallel_workers": 0,
        "debug": False,
        "server_name": "desk",
    }
    (repository / "settings.json").write_text(json.dumps(settings))
    log = repository / "server.log"
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [_BIN / "mlserver", "start", "."], cwd=repository, stdout=output, stderr=output
        )
    try:
        for model in repository.glob("*/model-settings.json"):
            _wait_until_ready(process, ports.http, model.parent.name, log)
        yield ports
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_ports(count):
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _wait_until_ready(process, port, model, log):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    url = f"http://127.0.0.1:{port}/v2/models/{model}/ready"
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return direct.open(url, timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MLServer did not start:\n{log.read_text()}") from None
            time.sleep(0.1)
