"""Connecting and being let in, against a stand-in of the API on loopback."""

import logging
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from tfx_vigil.kubeflow.kfp_api import Server, SubmitError
from tfx_vigil.kubeflow.submit import Submission, submit

from .submitting import send, uploads

TOKEN = "t0p-s3cret-t0ken"


def test_a_host_that_is_not_there(spec):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(SubmitError, match=rf"{address} cannot be reached: Failed.* refused\n"):
        submit(spec, Server(host=address), Submission())


def test_a_host_without_scheme(spec):
    with pytest.raises(SubmitError, match="--host ml-pipeline:8888: begin it with https"):
        submit(spec, Server(host="ml-pipeline:8888"), Submission())


@pytest.mark.parametrize(
    ("status", "page", "says"),
    [
        (200, "<html>log in</html>", "answered with no JSON but a page"),
        (404, "<html>nothing here</html>", "HTTP 404: Not Found\ncheck --host"),
        (502, "<html>bad gateway</html>", "HTTP 502: Bad Gateway"),
    ],
)
def test_a_host_that_is_something_else(spec, status, page, says):
    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Page) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        try:
            with pytest.raises(SubmitError, match=says):
                submit(spec, Server(host=f"http://127.0.0.1:{other.server_port}"), Submission())
        finally:
            other.shutdown()


def test_a_missing_namespace_is_said_before_anything_is_made(kfp, spec):
    kfp.multi_user = True
    with pytest.raises(SubmitError, match="multi-user installation: give --namespace"):
        send(kfp, spec)
    assert kfp.requests == ["GET /healthz"]


def test_a_namespace_too_much_is_said(kfp, spec):
    with pytest.raises(SubmitError, match="leave --namespace kubeflow out"):
        send(kfp, spec, namespace="kubeflow")


def test_a_forbidden_namespace(kfp, spec):
    kfp.multi_user, kfp.forbidden = True, "theirs"
    with pytest.raises(SubmitError, match=r"HTTP 403: User is not authorized.*theirs.*\nask for"):
        send(kfp, spec, namespace="theirs")
    assert not uploads(kfp)


def test_a_token_of_the_environment(kfp, spec, monkeypatch):
    kfp.token = TOKEN
    monkeypatch.setenv("KF_PIPELINES_TOKEN", TOKEN)
    assert send(kfp, spec).run_id


def test_a_token_file_is_read_anew_for_each_request(kfp, spec, tmp_path):
    kfp.token, path = TOKEN, tmp_path / "token"
    path.write_text(TOKEN + "\n")
    kfp.progress = [("RUNNING", {"A": "RUNNING"}), ("SUCCEEDED", {})]

    def rotate(text):
        if text == "A: running":
            kfp.token = "the next one"
            path.write_text(kfp.token)

    assert send(kfp, spec, rotate, token_file=path, follow=True).state == "SUCCEEDED"


def test_the_token_that_kubernetes_projects_into_a_pod(kfp, spec, tmp_path, monkeypatch):
    kfp.token, path = TOKEN, tmp_path / "token"
    path.write_text(TOKEN)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(path))
    assert send(kfp, spec).run_id


def test_a_wrong_token_is_neither_shown_nor_logged(kfp, spec, monkeypatch, caplog, capfd):
    kfp.token = "another"
    monkeypatch.setenv("KF_PIPELINES_TOKEN", TOKEN)
    caplog.set_level(logging.DEBUG)
    with pytest.raises(
        SubmitError, match=r"(?s)HTTP 401: .*\(token\).*KF_PIPELINES_TOKEN"
    ) as error:
        send(kfp, spec)
    written = capfd.readouterr()
    shown = str(error.value) + caplog.text + written.out + written.err
    assert TOKEN not in shown
    assert error.value.__cause__ is None


def test_a_token_file_that_is_not_there(kfp, spec, tmp_path):
    with pytest.raises(SubmitError, match=r"token file .*gone: No such file"):
        send(kfp, spec, token_file=tmp_path / "gone")
