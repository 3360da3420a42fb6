"""What KServe's payload logger leaves: blobs in storage, or its events as a sink dumps them.

V1 bodies do not say the model version: it is logged as the header X-Model-Version. Lost: the
time, in CSV and Parquet.
"""

from __future__ import annotations

import base64
import csv
import io
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from .calls import Call
from .open_inference_writer import http_request, http_response

Form = Literal["json", "structured", "binary", "csv", "parquet"]
TYPE = "org.kubeflow.serving.inference"
COLUMNS = [
    "url",
    "bytes",
    "contentType",
    "reqType",
    "id",
    "sourceUri",
    "inferenceService",
    "namespace",
    "component",
    "endpoint",
    "metadata",
    "annotations",
    "certName",
    "tlsSkipVerify",
]
LATENCY = 5_000


def write(
    folder: Path, calls: list[Call], form: Form = "json", v2: bool = False, batch: int = 3
) -> dict:
    """A blob for each ``batch`` calls' requests, and one for their responses; events in a file."""
    config = {"format": "kserve"}
    if form in ("structured", "binary"):
        lines = [json.dumps(event(x, form)) for call in calls for x in log_requests(call, v2)]
        (folder / "events.jsonl").write_text("\n".join(lines) + "\n")
        return {**config, "logs": f"{folder}/events.jsonl"}
    blobs = folder / "models" / "scorer" / "predictor"
    blobs.mkdir(parents=True)
    for start in range(0, len(calls), batch):
        pairs = [log_requests(call, v2) for call in calls[start : start + batch]]
        for side, records in zip(("request", "response"), zip(*pairs, strict=True), strict=True):
            path = blobs / f"{records[0]['id']}-{side}.{form}"
            path.write_bytes(_marshal(list(records), form))
    untimed = {} if form == "json" else {"untimed": "window"}
    return {**config, **untimed, "logs": f"{folder}/**/*.{form}"}


def log_requests(call: Call, v2: bool = False) -> tuple[dict, dict]:
    """The two LogRequests of a call, as KServe marshals them to JSON."""
    if v2:
        bodies, headers = (http_request(call), http_response(call)), {}
    else:
        bodies = {"instances": call.rows}, {"predictions": call.predictions}
        headers = {"metadata": {"X-Model-Version": [call.model_version]}}
    return tuple(
        {
            "url": _url("s3", "logs", ""),
            "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
            "contentType": "application/json",
            "reqType": f"{TYPE}.{side}",
            "id": call.request_id,
            "sourceUri": _url("http", "localhost:8080", "/"),
            "inferenceService": "scorer",
            "namespace": "models",
            "component": "predictor",
            **headers,
            "occurrenceTime": go_time(call.time + (LATENCY if side == "response" else 0)),
        }
        for side, body in zip(("request", "response"), bodies, strict=True)
    )


def go_time(time: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=time)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") + "Z"


def event(log: dict, form: Form) -> dict:
    """A LogRequest as the CloudEvent that KServe sends of it."""
    attributes = {
        "specversion": "1.0",
        "id": log["id"],
        "type": log["reqType"],
        "source": "http://localhost:8080/",
        "time": log["occurrenceTime"],
        "inferenceservicename": log["inferenceService"],
        "namespace": log["namespace"],
        "component": log["component"],
        "endpoint": "",
        "metadata": json.dumps(log.get("metadata", {})),
    }
    body = base64.b64decode(log["bytes"]).decode()
    if form == "binary":
        headers = {f"Ce-{name.capitalize()}": value for name, value in attributes.items()}
        return {"headers": {"Content-Type": log["contentType"], **headers}, "body": body}
    return {**attributes, "datacontenttype": log["contentType"], "data": json.loads(body)}


def flat(log: dict) -> dict:
    """A LogRequest as a row of CSV or Parquet: without its time, and with all else as text."""
    texts = {
        "url": "s3://logs",
        "sourceUri": "http://localhost:8080/",
        "metadata": json.dumps(log["metadata"]) if "metadata" in log else "",
        "tlsSkipVerify": False,
    }
    return {name: texts.get(name, log.get(name, "")) for name in COLUMNS}


def _url(scheme: str, host: str, path: str) -> dict:
    """A url.URL of Go."""
    texts = dict.fromkeys(("Opaque", "RawPath", "RawQuery", "Fragment", "RawFragment"), "")
    flags = {"User": None, "OmitHost": False, "ForceQuery": False}
    return {"Scheme": scheme, "Host": host, "Path": path, **texts, **flags}


def _marshal(logs: list[dict], form: Form) -> bytes:
    if form == "json":
        return json.dumps(logs[0] if len(logs) == 1 else logs).encode()
    rows = [flat(log) for log in logs]
    if form == "parquet":
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows), sink)
        return sink.getvalue().to_pybytes()
    return _csv(rows)


def _csv(rows: list[dict]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, "tlsSkipVerify": "false"} for row in rows)
    return text.getvalue().encode()
