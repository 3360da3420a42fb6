"""Calls in the Open Inference Protocol, as one dumps them: bodies, pairs, events, gRPC.

Lost: the time, in ``bodies`` and ``mlserver``; everywhere, which numbers are integers.
"""

from __future__ import annotations

import base64
import json
import struct
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

from .calls import Call

Form = Literal["bodies", "mlserver", "events", "pairs", "grpc"]
TYPE = "io.seldon.serving.inference"
MILLISECOND = 1_000


def write(folder: Path, calls: list[Call], form: Form = "bodies") -> dict:
    """JSON Lines; requests and responses in a file each, but for pairs and gRPC."""
    config = {"format": "open_inference", "logs": f"{folder}/*.jsonl", "prediction": "score"}
    if form in ("pairs", "grpc"):
        halves = (grpc_request, grpc_response) if form == "grpc" else (http_request, http_response)
        _lines(folder / "calls.jsonl", [_pair(call, *halves) for call in calls])
        return config
    for side, body in (("request", http_request), ("response", http_response)):
        log = {"bodies": lambda body, *_: body, "mlserver": _mlserver, "events": _event}[form]
        _lines(folder / f"{side}s.jsonl", [log(body(call), side, call) for call in calls])
    return config if form == "events" else {**config, "untimed": "window"}


def http_request(call: Call) -> dict:
    inputs = [_tensor(name, [row[name] for row in call.rows]) for name in call.rows[0]]
    return {"id": call.request_id, "inputs": inputs}


def http_response(call: Call) -> dict:
    outputs = [_tensor("score", call.predictions)]
    version = {"model_name": "scorer", "model_version": call.model_version}
    return {**version, "id": call.request_id, "outputs": outputs}


def grpc_request(call: Call) -> dict:
    """ModelInferRequest with raw contents, which clients send of large tensors."""
    tensors = http_request(call)["inputs"]
    return {
        "modelName": "scorer",
        "id": call.request_id,
        "inputs": [_without_data(tensor) for tensor in tensors],
        "rawInputContents": [base64.b64encode(_raw(x["data"])).decode() for x in tensors],
    }


def grpc_response(call: Call) -> dict:
    """ModelInferResponse with typed contents."""
    (tensor,) = http_response(call)["outputs"]
    contents = {"fp32Contents": tensor["data"]}
    return {
        "modelName": "scorer",
        "modelVersion": call.model_version,
        "id": call.request_id,
        "outputs": [{**_without_data(tensor), "contents": contents}],
    }


def _tensor(name: str, values: list) -> dict:
    datatype = "BYTES" if type(values[0]) is str else "FP32"
    return {"name": name, "shape": [len(values), 1], "datatype": datatype, "data": values}


def _without_data(tensor: dict) -> dict:
    """64-bit integers are strings in protobuf's JSON."""
    shape = [str(n) for n in tensor["shape"]]
    return {"name": tensor["name"], "datatype": tensor["datatype"], "shape": shape}


def _raw(values: list) -> bytes:
    if type(values[0]) is str:
        texts = [value.encode() for value in values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    return struct.pack(f"<{len(values)}f", *values)


def _pair(call: Call, request, response) -> dict:
    millis = call.time // MILLISECOND
    return {"time": millis, "request": request(call), "response": response(call)}


def _headers(side: str, call: Call) -> dict[str, str]:
    """Ce headers of MLServer, whose endpoint is the model's name."""
    return {
        "Ce-Specversion": "0.3",
        "Ce-Source": "io.seldon.serving.deployment.mlserver",
        "Ce-Type": f"{TYPE}.{side}",
        "Ce-Modelid": "scorer",
        "Ce-Inferenceservicename": "mlserver",
        "Ce-Endpoint": "scorer",
        "Ce-Id": call.request_id,
        "Ce-Requestid": call.request_id,
    }


def _mlserver(body: dict, side: str, call: Call) -> dict:
    return {**body, "parameters": {"headers": _headers(side, call)}}


def _event(body: dict, side: str, call: Call) -> dict:
    """Binary mode, as a message dumper prints it: each event has an id of its own."""
    time = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=call.time)
    headers = {**_headers(side, call), "Ce-Id": f"{side}-{call.request_id}"}
    headers["Ce-Time"] = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "path": "/",
        "headers": {name.lower(): value for name, value in headers.items()},
        "method": "POST",
        "body": json.dumps(body),
    }


def _lines(path: Path, records: list[dict]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
