"""As much of a Kubernetes API server as ``kubectl apply --dry-run=client`` asks for.

It says which kinds there are, answers that no object exists, and refuses every change.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_KINDS = {
    "v1": [
        ("namespaces", "Namespace", False),
        ("pods", "Pod", True),
        ("serviceaccounts", "ServiceAccount", True),
        ("persistentvolumeclaims", "PersistentVolumeClaim", True),
        ("secrets", "Secret", True),
        ("configmaps", "ConfigMap", True),
    ],
    "batch/v1": [("cronjobs", "CronJob", True), ("jobs", "Job", True)],
    "networking.k8s.io/v1": [("networkpolicies", "NetworkPolicy", True)],
    "rbac.authorization.k8s.io/v1": [
        ("roles", "Role", True),
        ("rolebindings", "RoleBinding", True),
    ],
}


class Api:
    """Attributes: ``kubeconfig`` that leads here; ``changes`` that were asked for."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.changes: list[str] = []


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Api]:
    """The API on a free port of loopback, until the block ends."""
    api = Api(folder / "kubeconfig")
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(api)) as server:
        cluster = {"server": f"http://127.0.0.1:{server.server_port}"}
        api.kubeconfig.write_text(json.dumps({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "here", "user": {}}],
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "here"}}],
        }))  # fmt: skip
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()


def _discovery(path: str) -> dict | None:
    groups = [version.split("/") for version in _KINDS if "/" in version]
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [
            {
                "name": group,
                "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
            }
            for group, version in groups
        ]}  # fmt: skip
    for version, kinds in _KINDS.items():
        if path == ("/apis/" if "/" in version else "/api/") + version:
            return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version,
                    "resources": [
                {"name": name, "kind": kind, "namespaced": namespaced, "singularName": "",
                 "verbs": ["get", "list", "create", "patch"]}
                for name, kind, namespaced in kinds
            ]}  # fmt: skip
    return None


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = _discovery(self.path.split("?")[0])
            self._answer(*((200, found) if found else (404, _status(404, "NotFound"))))

        def _refuse(self) -> None:
            api.changes.append(f"{self.command} {self.path}")
            self._answer(405, _status(405, "MethodNotAllowed"))

        do_POST = do_PUT = do_PATCH = do_DELETE = _refuse

        def _answer(self, status: int, body: dict) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _status(code: int, reason: str) -> dict:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason,
            "message": reason, "code": code}  # fmt: skip
