"""SageMaker's ground truth: JSON Lines, the labels of a call each.

A record is ``{"groundTruthData": {"data": "1", "encoding": "CSV"}, "eventMetadata": {"eventId":
"..."}, "eventVersion": "0"}``: ``eventId`` is the call's ``inferenceId`` where it has one. Files
lie under ``prefix/yyyy/mm/dd/hh``, the hour in which the labels were collected.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..ingest_config import microseconds
from ..log_values import Malformed, get_text
from .contract import json_value
from .sagemaker_payloads import CSV, JSON, csv_rows, get_object, read_payload

_DATA = "groundTruthData"
_HOUR = re.compile(r"(?<!\d)(\d{4})/(\d\d)/(\d\d)/(\d\d)(?=/)", re.ASCII)


def parse_sagemaker_truth(record: Mapping[str, Any]) -> list[tuple[str, int, Any]]:
    """(request id, row, label) for each label: an entry of a JSON list, a line of a CSV.

    An empty line is a row without a label; an object is a label if it has but one key.
    Raises Malformed.
    """
    payload = read_payload(record, _DATA)
    request_id = get_text(get_object(record, "eventMetadata"), "eventId")
    form = payload.form or (JSON if _is_json(payload.text) else CSV)
    try:
        found = csv_rows(payload.text) if form == CSV else payload._replace(form=form).values(_DATA)
    except csv.Error:
        raise Malformed("bad_value", _DATA) from None
    if form == JSON and len(found) == 1 and type(found[0]) is list:
        (found,) = found
    labels = [
        (request_id, row, label)
        for row, x in enumerate(found)
        if (label := _label(x, form)) is not None
    ]
    if not labels:
        raise Malformed("missing", _DATA)
    return labels


def arrival(path: str) -> int | None:
    """Microseconds since the epoch at which the hour in ``path`` begins; None without an hour.

    The hour's beginning, because a label filed under an hour is then within the horizon of
    each request that it truly came in time for; at its end it could be late by less than that.
    """
    hours = _HOUR.findall(path)
    try:
        return microseconds(datetime(*map(int, hours[-1]), tzinfo=timezone.utc)) if hours else None
    except ValueError:
        return None


def _label(value: Any, form: str) -> Any:
    if type(value) is list and form == CSV:
        if len(value) > 1:
            raise Malformed("bad_value", _DATA)
        return value[0] if value else None
    if type(value) is dict and len(value) == 1:
        (value,) = value.values()
    if type(value) in (list, dict):
        raise Malformed("bad_value", _DATA)
    return value


def _is_json(text: str) -> bool:
    try:
        json_value(text)
    except Malformed:
        return False
    return True
