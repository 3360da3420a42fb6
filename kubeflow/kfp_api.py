"""The connection to a Kubeflow Pipelines API, and its failures in words."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import kfp
import kfp_server_api
import urllib3
from kfp import client as kfp_client

from ..beam_jobs.parameters import Parameters

TOKEN = "KF_PIPELINES_TOKEN"
_SECONDS = 30  # within which a host that is there answers the first question
_CONNECTION = r"^(<[^>]*>|\w+\([^)]*\)): "  # urllib3 begins a reason with its own object
_NEXT_STEP = {
    400: "mend what it names, then submit again",
    401: f"give a valid token: {TOKEN}, or --token-file",
    403: "ask for a role that may edit pipelines, experiments, runs and jobs there",
    404: "check --host: it is the address below which apis/v2beta1 answers",
    409: "submit again, or choose another name",
}


class SubmitError(Exception):
    """What failed, at which address, and what to do; never holds a token."""


class Server(Parameters):
    """A Kubeflow Pipelines API and how to be let in.

    The token is that of ``token_file``, else of the variable KF_PIPELINES_TOKEN, else the service
    account's that Kubernetes projects into a pod for Kubeflow Pipelines; else there is none.

    Attributes:
      host: its address with http:// or https://.
      namespace: the team's, on a multi-user installation; none on a single-user one.
      token_file: read anew at each request, so that it may be rotated.
      ca_file: certificates to trust, for a private authority.
    """

    host: str
    namespace: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None

    @property
    def address(self) -> str:
        return self.host.rstrip("/")

    @property
    def token_source(self) -> Path | None:
        """The file that holds the token."""
        if self.token_file or os.environ.get(TOKEN):
            return self.token_file
        given = os.environ.get(kfp_client.KF_PIPELINES_SA_TOKEN_ENV)
        path = Path(given or kfp_client.KF_PIPELINES_SA_TOKEN_PATH)
        return path if given or path.exists() else None

    def token(self) -> str | None:
        """Raises SubmitError: the token file cannot be read."""
        source = self.token_source
        if source is None:
            return os.environ.get(TOKEN) or None
        try:
            return source.read_text().strip()
        except OSError as error:
            raise SubmitError(f"token file {source}: {error.strerror}") from None


def connect(server: Server) -> kfp.Client:
    """A client of ``server``, which was asked whether it is there.

    Raises:
      SubmitError: unreachable, not Kubeflow Pipelines, not let in, namespace missing or too much.
    """
    if not server.host.startswith(("http://", "https://")):
        raise SubmitError(f"--host {server.host}: begin it with https:// or http://")
    config = kfp_server_api.Configuration(host=server.address)
    config.ssl_ca_cert = server.ca_file and str(server.ca_file)
    if token := server.token():
        config.api_key = {"authorization": token}
        config.api_key_prefix = {"authorization": "Bearer"}
    with explained(server, "asking for its health"):
        health = kfp_server_api.ApiClient(config).call_api(
            "/apis/v2beta1/healthz",
            "GET",
            response_type="object",
            auth_settings=["Bearer"],
            _return_http_data_only=True,
            _request_timeout=_SECONDS,
        )
    if not isinstance(health, dict):
        raise SubmitError(
            f"{server.address} answered with no JSON but a page, of a login or of another service: "
            f"check --host and the token ({TOKEN}, or --token-file)"
        )
    if health.get("multi_user") and not server.namespace:
        raise SubmitError(f"{server.address} is a multi-user installation: give --namespace")
    if server.namespace and not health.get("multi_user"):
        raise SubmitError(
            f"{server.address} is a single-user installation, which has no namespaces: "
            f"leave --namespace {server.namespace} out"
        )
    credentials = None
    if source := server.token_source:
        credentials = kfp_client.ServiceAccountTokenVolumeCredentials(str(source))
    with explained(server, "connecting"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kfp.Client(
            host=server.address,
            namespace=server.namespace or "",
            existing_token=None if credentials else token,
            credentials=credentials,
            ssl_ca_cert=config.ssl_ca_cert,
        )


@contextlib.contextmanager
def explained(server: Server, doing: str) -> Iterator[None]:
    """Turns the client's exceptions into SubmitError, and keeps its prints off the screen."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except kfp_server_api.ApiException as error:
        said = _without(server.token(), _message(error))
        step = _NEXT_STEP.get(error.status, "look into the log of the ml-pipeline pod")
        raise SubmitError(
            f"{server.address}: {doing}: HTTP {error.status}: {said}\n{step}"
        ) from None
    except urllib3.exceptions.HTTPError as error:
        reason = re.sub(_CONNECTION, "", str(getattr(error, "reason", None) or error))
        raise SubmitError(
            f"{server.address} cannot be reached: {_without(server.token(), reason)}\n"
            "check --host, the network, and that the port is forwarded if it should be"
        ) from None


def _message(error: kfp_server_api.ApiException) -> str:
    """The server's own words: of the API's JSON, of the upload's JSON, or the first line."""
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body
    try:
        said = json.loads(body or "")
        text = said.get("message") or said.get("error_message") or said.get("error")
    except (ValueError, AttributeError):
        text = None if (body or "").lstrip().startswith("<") else body
    lines = str(text or error.reason or "no reason given").strip().splitlines()
    return lines[0][:500]


def _without(token: str | None, text: str) -> str:
    return text.replace(token, "(token)") if token else text
