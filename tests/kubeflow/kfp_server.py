"""A stand-in of the Kubeflow Pipelines API, version v2beta1, on loopback.

It has the endpoints that the client calls for a submission, with the requests, answers, status
codes and error bodies of the API server: its own gateway's errors (``code``, ``message``), those
of the upload handler (``error_message``), empty fields left out, names that are unique. It keeps
pipelines, versions, experiments, runs and recurring runs in memory; it runs nothing: a test gives
the states that a run goes through.
"""

from __future__ import annotations

import contextlib
import email
import itertools
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml

_RUN = {
    "experiment_id", "display_name", "description", "pipeline_spec", "pipeline_version_reference",
    "runtime_config", "service_account",
}  # fmt: skip
_RECURRING_RUN = _RUN | {"max_concurrency", "trigger", "mode", "no_catchup"}
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 500: 13}


class Refused(Exception):
    def __init__(self, status: int, message: str, body: dict | str | None = None):
        super().__init__(message)
        self.status = status
        self.body = body or {"code": _CODES[status], "message": message, "details": []}


class Kfp:
    """The state of the API, and what a test may set.

    Attributes:
      multi_user: namespaces are needed.
      token: who does not bring it gets 401; None lets everyone in.
      forbidden: namespace whose use gets 403.
      progress: what each further GET of a run shows: its state and that of its nodes.
      failures: statuses that the next requests get in place of an answer.
      requests: ``METHOD path`` of each request.
    """

    def __init__(self) -> None:
        self.multi_user = False
        self.token: str | None = None
        self.forbidden: str | None = None
        self.progress: list[tuple[str, dict[str, str]]] = []
        self.task_errors: dict[str, str] = {}
        self.failures: list[int] = []
        self.requests: list[str] = []
        self.address = ""
        self.pipelines: list[dict] = []
        self.versions: list[dict] = []
        self.experiments: list[dict] = []
        self.runs: list[dict] = []
        self.recurring_runs: list[dict] = []
        self._ids = itertools.count(1)

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> dict:
        for name, (verb, pattern) in _ROUTES.items():
            if verb == method and (match := re.fullmatch("/apis/v2beta1" + pattern, path)):
                return getattr(self, name)(query, body, *match.groups())
        raise Refused(404, "Not Found")

    def healthz(self, query, body):
        return {"pipeline_store": "database"} | ({"multi_user": True} if self.multi_user else {})

    def list_pipelines(self, query, body):
        namespace = query.get("namespace", "")
        here = [p for p in self.pipelines if p.get("namespace", "") == namespace]
        return _page("pipelines", here, query)

    def upload_pipeline(self, query, body):
        _check_spec(body)
        namespace = self._namespace(query.get("namespace", ""))
        named = [p for p in self.pipelines if p["display_name"] == query["name"]]
        if any(p.get("namespace", "") == namespace for p in named):
            raise _upload_error(409, "Failed to create a pipeline and a pipeline version")
        pipeline = {
            "pipeline_id": self._id("pipeline"),
            "display_name": query["name"],
            "name": query["name"],
        } | ({"namespace": namespace} if namespace else {})
        self.pipelines.append(pipeline)
        self._add_version(pipeline["pipeline_id"], query, body)
        return pipeline

    def upload_version(self, query, body):
        _check_spec(body)
        if query["pipelineid"] not in [p["pipeline_id"] for p in self.pipelines]:
            raise _upload_error(400, "Failed to create a pipeline version")
        return self._add_version(query["pipelineid"], query, body)

    def list_versions(self, query, body, pipeline_id):
        here = [v for v in self.versions if v["pipeline_id"] == pipeline_id]
        return _page("pipeline_versions", here, query)

    def delete_version(self, query, body, pipeline_id, version_id):
        self.versions.remove(_get(self.versions, "pipeline_version_id", version_id))
        return {}

    def list_experiments(self, query, body):
        namespace = self._namespace(query.get("namespace", ""))
        here = [e for e in self.experiments if e.get("namespace", "") == namespace]
        return _page("experiments", here, query)

    def create_experiment(self, query, body):
        self._namespace(body.get("namespace", ""))
        experiment = {"experiment_id": self._id("experiment"), **body}
        self.experiments.append(experiment)
        return experiment

    def create_run(self, query, body):
        self._check_job(body, _RUN)
        run = {"run_id": self._id("run"), "state": "PENDING", **body}
        self.runs.append(run)
        return run

    def get_run(self, query, body, run_id):
        run = _get(self.runs, "run_id", run_id)
        if self.progress:
            state, nodes = self.progress.pop(0)
            run["state"] = state
            run["run_details"] = {"task_details": [
                {
                    "run_id": run_id,
                    "task_id": f"{run_id}-{i}",
                    "display_name": name,
                    "state": node,
                    "start_time": f"2026-01-02T03:04:{i:02}Z",
                    "end_time": "1970-01-01T00:00:00Z",
                    "child_tasks": [{"pod_name": "p"}],
                }
                | ({"error": {"code": 13, "message": self.task_errors[name]}}
                   if name in self.task_errors and node == "FAILED" else {})
                for i, (name, node) in enumerate(nodes.items())
            ]}  # fmt: skip
        return run

    def list_recurring_runs(self, query, body):
        self._namespace(query.get("namespace", ""))
        return _page("recurringRuns", self.recurring_runs, query)

    def create_recurring_run(self, query, body):
        self._check_job(body, _RECURRING_RUN)
        if not 1 <= int(body.get("max_concurrency", 0)) <= 10:
            raise Refused(400, "Max concurrency of a recurring run must be at least 1")
        if len(body["trigger"]["cron_schedule"]["cron"].split()) not in (5, 6):
            raise Refused(400, "Schedule cron is not a supported format")
        status = {"ENABLE": "ENABLED", "DISABLE": "DISABLED"}[body["mode"]]
        run = {"recurring_run_id": self._id("recurring"), "status": status, **body}
        self.recurring_runs.append(run)
        return run

    def disable_recurring_run(self, query, body, recurring_run_id):
        run = _get(self.recurring_runs, "recurring_run_id", recurring_run_id)
        run.update(mode="DISABLE", status="DISABLED")
        return {}

    def _id(self, kind: str) -> str:
        return f"{kind}-{next(self._ids)}"

    def _namespace(self, namespace: str) -> str:
        if self.multi_user and not namespace:
            raise Refused(400, "A resource cannot have an empty namespace in multi-user mode")
        if namespace and namespace == self.forbidden:
            raise Refused(403, f"User is not authorized with reason: (namespace: {namespace})")
        return namespace

    def _add_version(self, pipeline_id: str, query: dict[str, str], spec: str) -> dict:
        names = [v["display_name"] for v in self.versions if v["pipeline_id"] == pipeline_id]
        if query["name"] in names:
            raise _upload_error(409, "Failed to create a pipeline version")
        version = {
            "pipeline_id": pipeline_id,
            "pipeline_version_id": self._id("version"),
            "display_name": query["name"],
            "name": query["name"],
            "pipeline_spec": _as_struct(spec),
        } | ({"description": query["description"]} if query.get("description") else {})
        self.versions.append(version)
        return version

    def _check_job(self, body: dict, fields: set[str]) -> None:
        if unknown := set(body) - fields:
            raise Refused(400, f"proto: unknown field {sorted(unknown)}")
        _get(self.experiments, "experiment_id", body["experiment_id"])
        version = body["pipeline_version_reference"]["pipeline_version_id"]
        _get(self.versions, "pipeline_version_id", version)


_ROUTES = {
    "healthz": ("GET", "/healthz"),
    "upload_pipeline": ("POST", "/pipelines/upload"),
    "upload_version": ("POST", "/pipelines/upload_version"),
    "list_pipelines": ("GET", "/pipelines"),
    "list_versions": ("GET", "/pipelines/([^/]+)/versions"),
    "delete_version": ("DELETE", "/pipelines/([^/]+)/versions/([^/]+)"),
    "list_experiments": ("GET", "/experiments"),
    "create_experiment": ("POST", "/experiments"),
    "create_run": ("POST", "/runs"),
    "get_run": ("GET", "/runs/([^/:]+)"),
    "list_recurring_runs": ("GET", "/recurringruns"),
    "create_recurring_run": ("POST", "/recurringruns"),
    "disable_recurring_run": ("POST", "/recurringruns/([^/:]+):disable"),
}


@contextlib.contextmanager
def serving() -> Iterator[Kfp]:
    """The API on a free port of loopback, until the block ends."""
    kfp = Kfp()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(kfp)) as server:
        kfp.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield kfp
        finally:
            server.shutdown()
            thread.join()


def _handler(kfp: Kfp) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            url = urlsplit(self.path)
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kfp.requests.append(f"{self.command} {url.path.removeprefix('/apis/v2beta1')}")
            try:
                if kfp.failures:
                    raise Refused(kfp.failures.pop(0), "the node is being moved")
                given = self.headers.get("Authorization", "")
                if kfp.token and given != f"Bearer {kfp.token}":
                    raise Refused(401, f"Request header error: {given} was not accepted")
                status, body = 200, kfp.answer(
                    self.command, url.path, dict(parse_qsl(url.query)), self._body(content)
                )  # fmt: skip
            except Refused as refused:
                status, body = refused.status, refused.body
            answer = body if isinstance(body, str) else json.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def _body(self, content: bytes) -> Any:
            kind = self.headers.get("Content-Type", "")
            if not kind.startswith("multipart/form-data"):
                return json.loads(content) if content else None
            form = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + content)
            (part,) = form.get_payload()
            assert part.get_param("name", header="Content-Disposition") == "uploadfile"
            assert part.get_filename().endswith((".yaml", ".yml"))
            return part.get_payload(decode=True).decode()

        do_GET = do_POST = do_DELETE = _serve

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _page(key: str, items: list[dict], query: dict[str, str]) -> dict:
    for predicate in json.loads(query.get("filter") or "{}").get("predicates", []):
        assert predicate["operation"] in (1, "EQUALS")
        items = [i for i in items if i.get(predicate["key"]) == predicate["stringValue"]]
    start, size = int(query.get("page_token") or 0), int(query.get("page_size") or 20)
    size = min(size, 2)  # so that whoever does not turn pages misses something
    page = {key: items[start : start + size], "total_size": len(items)}
    if start + size < len(items):
        page["next_page_token"] = str(start + size)
    return {name: value for name, value in page.items() if value}


def _get(items: list[dict], key: str, value: str) -> dict:
    for item in items:
        if item[key] == value:
            return item
    raise Refused(404, f"{key} {value} not found")


def _as_struct(spec: str) -> dict:
    documents = list(yaml.safe_load_all(spec))
    if len(documents) == 1:
        return documents[0]
    return {"pipeline_spec": documents[0], "platform_spec": documents[1]}


def _check_spec(spec: str) -> None:
    if next(yaml.safe_load_all(spec)).get("schemaVersion") != "2.1.0":
        raise _upload_error(400, "unknown template format: pipeline spec is invalid")


def _upload_error(status: int, message: str) -> Refused:
    return Refused(status, message, {"error_message": message, "error_details": message})
