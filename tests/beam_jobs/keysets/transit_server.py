"""A local stand-in for HashiCorp Vault: its Transit API, as far as a keyset needs it.

Written by Vault's API documentation, rules and wording of refusals as in its source: tokens and
policies are checked, versions are HMACed by keys of their own, limits are enforced, trimmed keys
are gone.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refused(Exception):
    def __init__(self, status, *errors):
        self.status, self.errors = status, list(errors)


class TransitKey:
    def __init__(self):
        self.secrets = {}
        self.created = {}
        self.min_available = self.min_encryption = 0
        self.min_decryption = 1
        self.rotate()

    @property
    def latest(self):
        return max(self.created)

    def rotate(self):
        version = max(self.created, default=0) + 1
        self.secrets[version] = os.urandom(32)
        self.created[version] = int(time.time())

    def about(self):
        return {
            "type": "aes256-gcm96",
            "latest_version": self.latest,
            "min_available_version": self.min_available,
            "min_decryption_version": self.min_decryption,
            "min_encryption_version": self.min_encryption,
            "keys": {str(v): t for v, t in self.created.items() if v >= self.min_decryption},
        }

    def configure(self, min_decryption_version=None, min_encryption_version=None):
        decryption, encryption = self.min_decryption, self.min_encryption
        if min_decryption_version is not None:
            decryption = min_decryption_version
        if min_encryption_version is not None:
            encryption = min_encryption_version
        if max(decryption, encryption) > self.latest:
            raise Refused(400, f"cannot set min version, latest key version is {self.latest}")
        if 0 < encryption < decryption:
            raise Refused(400, "cannot set min encryption/decryption values")
        if self.min_available > min(encryption, decryption):
            raise Refused(400, "min version should not be less than min available version")
        self.min_decryption, self.min_encryption = decryption, encryption

    def trim(self, min_available_version):
        if not self.min_available <= min_available_version:
            raise Refused(400, "minimum available version cannot be decremented")
        if not self.min_encryption:
            raise Refused(400, "minimum encryption version is not set")
        if min_available_version > min(self.min_encryption, self.min_decryption):
            raise Refused(400, "minimum available version cannot be greater than minimum ones")
        self.min_available = min_available_version
        for version in [v for v in self.secrets if v < min_available_version]:
            del self.secrets[version]

    def hmac(self, input, algorithm, key_version=0):
        version = key_version or self.latest
        if version != self.latest and 0 < self.min_encryption > version:
            raise Refused(400, "cannot generate HMAC: version is too old (disallowed by policy)")
        if version < self.min_decryption or version not in self.secrets:
            raise Refused(400, "no such key version")
        assert algorithm == "sha2-256"
        digest = hmac.digest(self.secrets[version], base64.b64decode(input), hashlib.sha256)
        return {"hmac": f"vault:v{version}:{base64.b64encode(digest).decode()}"}


class TransitServer:
    """``forbidden``: paths below the mount that the token's policy lacks. ``requests``: all paths
    asked for. ``delay``: seconds before each answer."""

    def __init__(self, mount="transit", token="hvs.test-token"):
        self.mount, self.token, self.namespace = mount, token, None
        self.keys, self.requests, self.forbidden = {}, [], set()
        self.sealed, self.delay = False, 0.0

    @contextmanager
    def running(self):
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # the client may have left
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, method, path, headers, body):
        time.sleep(self.delay)
        self.requests.append(path)
        if self.sealed:
            raise Refused(503, "Vault is sealed")
        if not hmac.compare_digest(headers.get("X-Vault-Token", ""), self.token):
            raise Refused(403, "permission denied")
        if headers.get("X-Vault-Namespace") != self.namespace:
            raise Refused(403, "permission denied")
        if path == "/v1/auth/token/lookup-self":
            return {"id": "..."}
        prefix = f"/v1/{self.mount}/"
        if not path.startswith(prefix):
            raise Refused(404, f'no handler for route "{path}"')
        path = path.removeprefix(prefix)
        if path in self.forbidden:
            raise Refused(403, "1 error occurred:\n\t* permission denied\n\n")
        return self.transit(method, path, body)

    def transit(self, method, path, body):
        kind, name, action = re.fullmatch(r"(keys|hmac)/([\w.-]+)(?:/(\w+))?", path).groups()
        key = self.keys.get(name)
        if kind == "hmac":
            if key is None:
                raise Refused(400, "encryption key not found")
            return key.hmac(**body)
        if method == "GET":
            if key is None:
                raise Refused(404)
            return key.about()
        if action is None:
            assert body == {"type": "aes256-gcm96"}
            return self.keys.setdefault(name, TransitKey()).about()
        if key is None:
            raise Refused(400, f"no existing key named {name} could be found")
        {"rotate": key.rotate, "config": key.configure, "trim": key.trim}[action](**body)
        return key.about()


def _handler(vault):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            try:
                status, content = (
                    200,
                    {"data": vault.answer(self.command, self.path, self.headers, body)},
                )
            except Refused as refused:
                status, content = refused.status, {"errors": refused.errors}
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_PUT = do_GET

        def log_message(self, *_):
            pass

    return Handler
