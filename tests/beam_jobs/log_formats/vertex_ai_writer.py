"""Rows of Vertex AI's logging table, as BigQuery exports them."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from .calls import Call

_AVRO = {
    "type": "record",
    "name": "Root",
    "fields": [
        {"name": "endpoint", "type": ["null", "string"]},
        {"name": "deployed_model_id", "type": ["null", "string"]},
        {
            "name": "logging_time",
            "type": ["null", {"type": "long", "logicalType": "timestamp-micros"}],
        },
        {
            "name": "request_id",
            "type": [
                "null",
                {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 9},
            ],
        },
        {"name": "request_payload", "type": {"type": "array", "items": "string"}},
        {"name": "response_payload", "type": {"type": "array", "items": "string"}},
    ],
}
_ARROW = pa.schema(
    [
        ("endpoint", pa.string()),
        ("deployed_model_id", pa.string()),
        ("logging_time", pa.timestamp("us", "UTC")),
        ("request_id", pa.decimal128(38, 9)),
        ("request_payload", pa.list_(pa.string())),
        ("response_payload", pa.list_(pa.string())),
    ]
)


def write(folder: Path, calls: list[Call]) -> dict:
    """JSON Lines, gzipped. ``request_id`` is a number in BigQuery, here any text."""
    with gzip.open(folder / "logs-000000000000.json.gz", "wt", encoding="utf-8") as file:
        for call in calls:
            file.write(json.dumps(row(call)) + "\n")
    return {"format": "vertex_ai", "logs": f"{folder}/logs-*.json.gz", "prediction": "score"}


def write_avro(folder: Path, calls: list[Call]) -> dict:
    """Request ids must be numbers."""
    with (folder / "logs-000000000000.avro").open("wb") as file:
        fastavro.writer(file, _AVRO, map(_typed_row, calls), codec="deflate")
    return {"format": "vertex_ai", "logs": f"{folder}/logs-*.avro", "prediction": "score"}


def write_parquet(folder: Path, calls: list[Call]) -> dict:
    """Request ids must be numbers."""
    table = pa.Table.from_pylist(list(map(_typed_row, calls)), _ARROW)
    pq.write_table(table, folder / "logs-000000000000.parquet")
    return {"format": "vertex_ai", "logs": f"{folder}/logs-*.parquet", "prediction": "score"}


def row(call: Call) -> dict:
    time = _moment(call)
    return {
        "endpoint": "1234567890",
        "deployed_model_id": call.model_version,
        "logging_time": f"{time:%Y-%m-%d %H:%M:%S}.{time.microsecond:06d} UTC",
        "request_id": call.request_id,
        "request_payload": [json.dumps(row) for row in call.rows],
        "response_payload": [json.dumps({"score": score}) for score in call.predictions],
    }


def _typed_row(call: Call) -> dict:
    typed = {"logging_time": _moment(call), "request_id": Decimal(call.request_id)}
    return row(call) | typed


def _moment(call: Call) -> datetime:
    seconds, micros = divmod(call.time, 1_000_000)
    return datetime.fromtimestamp(seconds, timezone.utc).replace(microsecond=micros)
