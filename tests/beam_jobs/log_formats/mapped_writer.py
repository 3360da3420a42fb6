"""Plain logs of one prediction a record, in each container."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Literal

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from .calls import Call


def write(
    folder: Path,
    calls: list[Call],
    format: Literal["json_lines", "csv", "parquet", "avro"] = "json_lines",
) -> dict:
    rows = [row for call in calls for row in rows_of(call)]
    path = folder / f"log.{format}"
    if format == "json_lines":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif format == "csv":
        with path.open("w", newline="") as f:
            table = csv.DictWriter(f, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
    elif format == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=2)
    else:
        kinds = {float: "double", int: "long", str: "string"}
        fields = [{"name": name, "type": kinds[type(x)]} for name, x in rows[0].items()]
        schema = {"type": "record", "name": "row", "fields": fields}
        with path.open("wb") as f:
            fastavro.writer(f, schema, rows, codec="deflate", sync_interval=100)
    return {"format": format, "logs": str(path)}


def rows_of(call: Call) -> list[dict]:
    return [
        {
            "request_id": call.request_id,
            "row": n,
            "event_time": call.time,
            "model_version": call.model_version,
            "prediction": score,
            **row,
        }
        for n, (row, score) in enumerate(zip(call.rows, call.predictions, strict=True))
    ]
