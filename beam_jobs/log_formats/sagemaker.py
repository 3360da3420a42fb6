"""Records of SageMaker's data capture: JSON Lines, a call each.

``captureData`` holds ``endpointInput`` and ``endpointOutput`` (see ``sagemaker_payloads``),
``eventMetadata`` the ids and the time. Neither endpoint nor model version is in the record.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from ..ingest_config import IngestConfig
from ..log_containers.contract import Record
from ..log_values import Malformed, get_text, get_time, prediction
from .bodies import named, request_rows, response_scores
from .contract import LogFormat, Request, Scores, json_object
from .sagemaker_payloads import CSV, JSON, Payload, get_object, read_payload

_INPUT, _OUTPUT = "endpointInput", "endpointOutput"


class SageMaker(LogFormat):
    """The request id is ``inferenceId``, which the caller gave, or else ``eventId``.

    Instances of CSV and bare lists are named by ``feature_names``; a line that repeats these is
    a header. ``prediction`` names a key of the predictions, or, in digits, one of the columns
    (the first is 0) where they are CSV or lists; without it several columns are a vector.
    """

    def __init__(self, config: IngestConfig):
        super().__init__(config)
        name = config.prediction
        self._column = int(name) if name and name.isdecimal() else None

    def parse(self, record: Record) -> Request:
        logged = json_object(record)
        captured = get_object(logged, "captureData")
        event = get_object(logged, "eventMetadata")
        given = read_payload(captured, _INPUT)
        rows = self._rows(given)
        digest = zlib.crc32(given.text.encode(errors="replace"))
        predictions = None
        if captured.get(_OUTPUT) is not None:
            answer = read_payload(captured, _OUTPUT)
            digest = zlib.crc32(answer.text.encode(errors="replace"), digest)
            predictions = self._predictions(answer, len(rows))
            if len(predictions) != len(rows):
                raise Malformed("prediction_count")
        return Request(
            request_id=request_id(event),
            time=get_time(event, "inferenceTime"),
            rows=rows,
            digest=digest,
            predictions=predictions,
        )

    def _rows(self, payload: Payload) -> list[dict[str, Any]]:
        names, values = self.config.feature_names, _known(payload, _INPUT).values(_INPUT)
        if payload.form == CSV:
            return [named(x, names) for x in values if x != names]
        if payload.form == JSON and values:
            (value,) = values
            if _has_tensors(value, "inputs"):
                return request_rows(value, names)
            if type(value) is dict and type(value.get("instances")) is list:
                values = value["instances"]
            elif type(value) is list and _is_table(value, names):
                values = value
        return [named(_dense(x, names), names) for x in values]

    def _predictions(self, payload: Payload, rows: int) -> list[Scores]:
        values = _known(payload, _OUTPUT).values(_OUTPUT)
        if payload.form == CSV and len(values) == 1 and len(values[0]) == rows > 1:
            (values,) = values
        elif payload.form == JSON and values:
            (value,) = values
            if _has_tensors(value, "outputs"):
                return response_scores(value, self.config.prediction)
            if type(value) is dict and type(value.get("predictions")) is list:
                values = value["predictions"]
            elif type(value) is list and (rows != 1 or len(value) == 1):
                values = value
        return [self._score(x) for x in values]

    def _score(self, value: Any) -> Scores:
        if type(value) is list:
            if self._column is not None:
                value = value[self._column : self._column + 1]
            if not value:
                raise Malformed("missing", "prediction")
            if len(value) == 1:
                (value,) = value
        return prediction(value, self.config.prediction)


def request_id(event: Mapping[str, Any]) -> str:
    return get_text(event, "inferenceId" if event.get("inferenceId") else "eventId")


def _known(payload: Payload, field: str) -> Payload:
    if payload.form is None:
        raise Malformed("bad_value", f"{field}.observedContentType")
    return payload


def _has_tensors(value: Any, field: str) -> bool:
    """Whether a body is one of the Open Inference Protocol, as Triton's are."""
    tensors = value.get(field) if type(value) is dict else None
    return type(tensors) is list and bool(tensors) and all(type(x) is dict for x in tensors)


def _is_table(values: list, names: list[str]) -> bool:
    """Whether a bare list holds an instance an entry, and is not one itself."""
    return len(names) == 1 or not values or any(type(x) in (list, dict) for x in values)


def _dense(instance: Any, names: list[str]) -> Any:
    """The values in SageMaker's own ``{"features": [..]}``, also under ``data`` and ``values``."""
    found = instance
    for key in ("data", "features", "values") if names else ():
        if type(found) is dict:
            found = found.get(key, found)
    return found if type(found) is list else instance
