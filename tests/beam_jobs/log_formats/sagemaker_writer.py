"""Files of SageMaker's data capture and of its ground truth."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path

from .calls import Call

_TYPES = {"CSV": "text/csv", "JSON": "application/json", "BASE64": "text/csv; charset=utf-8"}


def write(folder: Path, calls: list[Call], encoding: str = "CSV") -> dict:
    """A file for each hour. ``encoding``: CSV, JSON, or BASE64 of CSV.

    Lost: the model version, and fractions of seconds; in CSV texts that read as numbers.
    """
    lines = [(call.time, record(call, encoding)) for call in calls]
    _write_hours(folder / "capture" / "endpoint" / "AllTraffic", lines)
    return {
        "format": "sagemaker",
        "logs": f"{folder}/capture/endpoint/AllTraffic/{{YYYY}}/{{MM}}/{{DD}}/{{HH}}/*.jsonl",
        "feature_names": list(calls[0].rows[0]) if calls else [],
    }


def record(call: Call, encoding: str = "CSV") -> dict:
    names = list(call.rows[0])
    if encoding == "JSON":
        given = json.dumps({"instances": [[row[name] for name in names] for row in call.rows]})
        answer = json.dumps({"predictions": [{"score": score} for score in call.predictions]})
    else:
        given = _csv([row[name] for name in names] for row in call.rows)
        answer = _csv([score] for score in call.predictions)
    return {
        "captureData": {
            "endpointInput": _side("INPUT", given, encoding),
            "endpointOutput": _side("OUTPUT", answer, encoding),
        },
        "eventMetadata": {
            "eventId": f"e-{call.request_id}",
            "inferenceId": call.request_id,
            "inferenceTime": f"{_moment(call.time):%Y-%m-%dT%H:%M:%SZ}",
        },
        "eventVersion": "0",
    }


def write_truth(folder: Path, labels: Iterable[tuple[str, int, list[float | str]]]) -> str:
    """(request id, time of arrival in microseconds, a label a row) each; returns the files' glob.

    Lost: when in its hour a label arrived.
    """
    lines = [(time, truth_record(request_id, rows)) for request_id, time, rows in labels]
    _write_hours(folder / "truth", lines)
    return f"{folder}/truth/{{YYYY}}/{{MM}}/{{DD}}/{{HH}}/*.jsonl"


def truth_record(request_id: str, labels: list[float | str]) -> dict:
    return {
        "groundTruthData": {"data": _csv([x] for x in labels), "encoding": "CSV"},
        "eventMetadata": {"eventId": request_id},
        "eventVersion": "0",
    }


def _side(mode: str, text: str, encoding: str) -> dict:
    data = base64.b64encode(text.encode()).decode() if encoding == "BASE64" else text
    return {
        "observedContentType": _TYPES[encoding],
        "mode": mode,
        "data": data,
        "encoding": encoding,
    }


def _csv(rows: Iterable[list]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _moment(time: int) -> datetime:
    return datetime.fromtimestamp(time // 1_000_000, timezone.utc)


def _write_hours(folder: Path, lines: list[tuple[int, dict]]) -> None:
    hours = defaultdict(list)
    for time, line in lines:
        hours[f"{_moment(time):%Y/%m/%d/%H}"].append(json.dumps(line) + "\n")
    for hour, texts in hours.items():
        (folder / hour).mkdir(parents=True)
        (folder / hour / "00-00-000-e68592ca.jsonl").write_text("".join(texts), encoding="utf-8")
