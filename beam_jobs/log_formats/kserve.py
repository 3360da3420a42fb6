"""Records of KServe's payload logger (kserve/pkg/logger): blobs in storage, and CloudEvents.

A blob's record is a LogRequest: ``reqType``, ``id``, ``occurrenceTime``, ``bytes`` (the payload
in base64), ``endpoint``, ``metadata`` and more. KServe 0.16 wrote the names of the fields in Go
(``ReqType``); blobs before 0.18, and all in CSV or Parquet, have no time; ``metadata`` is an
object in JSON and its JSON text elsewhere. ``contentType`` is no guide: a response's is its
request's. Where the logger's URL is a service, its events are what that service dumps of them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, ClassVar

from ..log_containers.contract import Record
from ..log_values import Malformed, get_text, get_time
from .bodies import model_version, request_rows, response_scores
from .cloud_events import is_event, read_event, side_of
from .contract import LogFormat, Request, Response, json_object, json_value
from .payloads import from_base64, load

MODEL_VERSION_HEADER = "x-model-version"
NO_TIME = (None, "", "0001-01-01T00:00:00Z")


_SIDES = {f"org.kubeflow.serving.inference.{side}": side for side in ("request", "response")}


class KServe(LogFormat):
    """The model version is, in this order: ``model_version`` of the response's body (V2 has it),
    the logged header ``X-Model-Version`` (KServe's ``metadata_headers``) of the response or of
    the request. KServe leaves the endpoint empty when there is but one: ``default``.
    """

    answered: ClassVar[bool] = True

    def parse(self, record: Record) -> Request | Response:
        logged = json_object(record)
        if "reqType" not in logged:
            if is_event(logged):
                return self._half(*read_event(logged, record))
            logged = {name[:1].lower() + name[1:]: value for name, value in logged.items()}
        kind, time = logged.get("reqType"), logged.get("occurrenceTime")
        side = _SIDES.get(kind) if type(kind) is str else None
        side, request_id = side or side_of(logged, "reqType"), get_text(logged, "id")
        time = None if time in NO_TIME else get_time(logged, "occurrenceTime")
        payload = from_base64(logged.get("bytes"), "bytes")
        body = load(payload, "bytes")
        return self._half(side, request_id, time, logged, body, zlib.crc32(payload))

    def _half(
        self,
        side: str,
        request_id: str,
        time: int | None,
        logged: Mapping[str, Any],
        body: dict[str, Any],
        digest: int,
    ) -> Request | Response:
        metadata = logged.get("metadata")
        version = _version(metadata) if metadata else None
        if side == "response":
            predictions = response_scores(body, self.config.prediction)
            version = model_version(body) or version
            columns = {"log_model_version": version} if version else {}
            return Response(request_id, time, predictions, digest, columns)
        endpoint = logged.get("endpoint") or "default"
        if type(endpoint) is not str:
            raise Malformed("bad_value", "endpoint")
        columns = {"log_endpoint": endpoint}
        if version:
            columns["log_model_version"] = version
        rows = request_rows(body, self.config.feature_names)
        return Request(request_id, time, rows, digest, columns)


def _version(metadata: Any) -> str | None:
    """The model version among the logged headers."""
    if type(metadata) is str:
        try:
            metadata = json_value(metadata)
        except Malformed:
            return None
    for name, values in metadata.items() if type(metadata) is dict else ():
        if name.lower() == MODEL_VERSION_HEADER:
            value = values[0] if type(values) is list and values else values
            return value if type(value) is str and value else None
    return None
