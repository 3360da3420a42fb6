"""One run of the model server for all tests here: what was sent, and where it was logged."""

import json
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import pytest

from . import server
from .agent import Agent, Sink, post, running, store
from .traffic import Call, calls, credit_body, credit_row, iris_body, iris_row

JSON = {"Content-Type": "application/json"}


class Logged(NamedTuple):
    """scores: what the models say to each call, asked by no server; none where it was refused."""

    folder: Path
    http: list[Call]
    grpc: list[Call]
    iris: list[Call]
    refused: Call
    scores: dict[str, list]
    started: datetime
    ended: datetime


@pytest.fixture(scope="session")
def logged(tmp_path_factory):
    server.make_environment()
    folder = tmp_path_factory.mktemp("live_server")
    http, grpc = calls("http", [1, 3, 2, 40], credit_row), calls("grpc", [1, 4, 3], credit_row)
    iris, (refused,) = calls("iris", [2, 5], iris_row), calls("refused", [2], credit_row)
    models = {"credit": http + grpc, "iris": iris}
    scores = _train(folder / "models", models)
    started = datetime.now(timezone.utc)
    with server.model_server(folder / "models") as ports:
        _call_over_http(folder, ports.http, http, iris, refused)
        _call_over_grpc(folder, ports.grpc, grpc)
    ended = datetime.now(timezone.utc)
    return Logged(folder, http, grpc, iris, refused, scores, started, ended)


def _train(repository, models):
    """The scores of each call by its id."""
    repository.mkdir()
    sent = {name: [row for call in calls for row in call.rows] for name, calls in models.items()}
    answers = json.loads(server.run_there("model.py", repository, stdin=sent))
    return {
        call.id: [answers[name].pop(0) for _ in call.rows]
        for name, calls in models.items()
        for call in calls
    }


def _call_over_http(folder, port, http, iris, refused):
    with ExitStack() as stack:
        kserve, seldon = (
            stack.enter_context(running(Sink(folder / system))).server_port
            for system in ("kserve", "seldon")
        )
        credit_agent, iris_agent = (
            stack.enter_context(running(Agent(port, service, kserve, seldon)))
            for service in ("credit", "iris")
        )
        for call in http:
            # A client that takes gzip gets it from MLServer for all but short answers.
            headers = {"Accept-Encoding": "gzip"} if len(call.rows) > 10 else {}
            _call(credit_agent, call.id, credit_body(call), headers)
        _call(credit_agent, refused.id, credit_body(refused, output="nonsense"), {}, refused=True)
        for call in iris:
            _call(iris_agent, call.id, iris_body(call), {})
        for size in (1, 4):
            store(credit_agent.records, folder / f"blobs-{size}", size)
            store(iris_agent.records, folder / f"blobs-{size}", size)


def _call(agent, call_id, body, headers, refused=False):
    url = f"http://127.0.0.1:{agent.server_port}/v2/models/{agent.service}/infer"
    headers = JSON | headers | {"Ce-Id": call_id}
    status, _, answer = post(url, headers, json.dumps(body).encode())
    assert (status != 200) is refused, answer
    if "Accept-Encoding" in headers:
        assert answer.startswith(b"\x1f\x8b")


def _call_over_grpc(folder, port, calls):
    """Every other call with its tensors in raw bytes."""
    sent = [{"raw": bool(i % 2), "body": credit_body(call)} for i, call in enumerate(calls)]
    server.run_there("grpc_client.py", str(port), "credit", folder / "grpc.jsonl", stdin=sent)
