"""Stand-ins for the sidecars that log a model server's calls over HTTP, which are Go programs.

Real are the calls, the server and the bytes of both bodies. This proxy stands in for KServe's
agent (pkg/logger) and Seldon Core's executor (executor/logger). It passes a call on with its bytes
as they are, and logs its request and, when the status is 200, its response: as CloudEvents in
binary mode, posted to a sink for either system, and as the LogRequests that ``store`` lays into
files as KServe lays them into a bucket.
"""

import base64
import http.client
import json
import uuid
from contextlib import contextmanager
from datetime import datetime, timezone
from gzip import decompress
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import urlsplit

_NOT_PASSED_ON = {"connection", "content-length", "host", "transfer-encoding"}


class Agent(HTTPServer):
    """Logs the calls to ``service`` that come to its ``server_port``."""

    def __init__(self, server_port, service, kserve_port, seldon_port):
        super().__init__(("127.0.0.1", 0), _Proxy)
        self.target = f"http://127.0.0.1:{server_port}/"
        self.service = service
        self.sinks = {kserve_port: _kserve_event, seldon_port: _seldon_event}
        self.records = []

    def log(self, side, call_id, content_type, payload):
        """KServe gives a response the content type of its request."""
        record = {
            "url": _go_url("s3://logs"),
            "bytes": base64.b64encode(payload).decode(),
            "contentType": content_type,
            "reqType": f"org.kubeflow.serving.inference.{side}",
            "id": call_id,
            "sourceUri": _go_url(self.target),
            "inferenceService": self.service,
            "namespace": "default",
            "component": "predictor",
            "occurrenceTime": _now(),
        }
        self.records.append(record)
        for port, event in self.sinks.items():
            headers, data = event(self, side, record, payload)
            post(f"http://127.0.0.1:{port}/", headers, data)


class _Proxy(BaseHTTPRequestHandler):
    def do_POST(self):
        agent, body = self.server, _body(self)
        call_id = self.headers["Ce-Id"] or str(uuid.uuid4())
        content_type = self.headers["Content-Type"]
        agent.log("request", call_id, content_type, body)
        status, headers, answer = post(agent.target + self.path[1:], self.headers, body)
        if status == 200:
            agent.log("response", call_id, content_type, answer)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Sink(HTTPServer):
    """Appends each event to a file of its service in ``folder``: ``{"headers": ..., "body": ...}``.

    The body is text; in base64 if it is none.
    """

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), _Dump)
        folder.mkdir()
        self.folder = folder


class _Dump(BaseHTTPRequestHandler):
    def do_POST(self):
        body = _body(self)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            text = base64.b64encode(body).decode()
        service = self.headers["Ce-Inferenceservicename"]
        with open(self.server.folder / f"{service}.jsonl", "a") as dump:
            dump.write(json.dumps({"headers": dict(self.headers), "body": text}) + "\n")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def running(server):
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(url, headers, body):
    """Status, headers and body of the answer, as it came: no header added, nothing decompressed."""
    url = urlsplit(url)
    connection = http.client.HTTPConnection(url.netloc, timeout=60)
    try:
        connection.putrequest("POST", url.path, skip_accept_encoding=True)
        for name, value in _passed_on(headers).items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, _passed_on(answer.headers), answer.read()
    finally:
        connection.close()


def store(records, bucket, batch_size):
    """Blobs as KServe names and marshals them: an object for one record, a list for more."""
    for start in range(0, len(records), batch_size):
        batch = records[start : start + batch_size]
        first = batch[0]
        folder = bucket / first["namespace"] / first["inferenceService"] / first["component"]
        folder.mkdir(parents=True, exist_ok=True)
        side = first["reqType"].rpartition(".")[2]
        blob = json.dumps(first if len(batch) == 1 else batch)
        (folder / f"{first['id']}-{side}.json").write_text(blob)


def _kserve_event(agent, side, record, payload):
    headers = {
        "Ce-Id": record["id"],
        "Ce-Type": record["reqType"],
        "Ce-Time": record["occurrenceTime"],
        "Ce-Source": agent.target,
        "Ce-Recordedtime": _now(),
        "Ce-Component": record["component"],
        "Ce-Endpoint": "",
        "Ce-Metadata": "{}",
    }
    return _event(agent, record, headers), payload


def _seldon_event(agent, side, record, payload):
    """Each event has an id of its own; compressed payloads are decompressed."""
    headers = {
        "Ce-Id": str(uuid.uuid4()),
        "Ce-Requestid": record["id"],
        "Ce-Type": f"io.seldon.serving.inference.{side}",
        "Ce-Time": record["occurrenceTime"],
        "Ce-Source": agent.target,
        "Ce-Modelid": agent.service,
        "Ce-Endpoint": "canary",
        "Ce-Protocol": "v2",
    }
    if payload.startswith(b"\x1f\x8b"):
        payload = decompress(payload)
    return _event(agent, record, headers), payload


def _event(agent, record, headers):
    return headers | {
        "Ce-Specversion": "1.0",
        "Ce-Inferenceservicename": agent.service,
        "Ce-Namespace": record["namespace"],
        "Content-Type": record["contentType"],
    }


def _passed_on(headers):
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}


def _body(handler):
    return handler.rfile.read(int(handler.headers["Content-Length"]))


def _go_url(text):
    """A url.URL of Go, as encoding/json writes its fields that matter."""
    url = urlsplit(text)
    return {"Scheme": url.scheme, "User": None, "Host": url.netloc, "Path": url.path}


def _now():
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
