"""What ``ingest.py`` measures, a piece of work a process; prints CPU seconds and peak memory.

Imports are not counted, what the work itself starts is.
"""

from __future__ import annotations

import base64
import cProfile
import io
import json
import pstats
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.json
import tensorflow as tf
from tfx_bsl.arrow import array_util
from tfx_vigil.beam_jobs import ingest_logs
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.ingest_config import IngestConfig

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)
KSERVE_A_FILE = 1000
KSERVE_FEATURES = 20


def write_json_lines(path: Path, rows: int) -> None:
    """27 fields a row, about 550 bytes."""
    draw = random.Random(7)
    words = [f"{draw.getrandbits(64):016x}" for _ in range(500)]
    with path.open("wb") as f:
        for i in range(rows):
            row = {
                "request_id": f"{draw.getrandbits(128):032x}",
                "event_time": _time(i / rows),
                "model_version": "7",
                "latency_ms": round(draw.random() * 50, 3),
                "prediction": round(draw.random(), 6),
            }
            row |= {f"amount_{k}": round(draw.gauss(0, 100), 4) for k in range(10)}
            row |= {f"count_{k}": draw.randrange(1000) for k in range(6)}
            row |= {f"category_{k}": draw.choice(words) for k in range(6)}
            f.write(orjson.dumps(row) + b"\n")


def write_truth(path: Path, logs: Path, labels: int) -> None:
    with logs.open("rb") as log, path.open("wb") as f:
        for i, line in zip(range(labels), log, strict=False):
            label = {"request_id": orjson.loads(line)["request_id"], "label": i % 2}
            f.write(orjson.dumps(label | {"time": _time(0.999)}) + b"\n")


def write_kserve(folder: Path, calls: int) -> None:
    """Blobs of the payload logger: requests and responses in files of their own."""
    draw = random.Random(7)
    for first in range(0, calls, KSERVE_A_FILE):
        blobs: dict[str, list[dict]] = {"request": [], "response": []}
        for i in range(first, min(first + KSERVE_A_FILE, calls)):
            features = {f"x{k}": round(draw.gauss(0, 100), 4) for k in range(KSERVE_FEATURES)}
            bodies = {"request": {"instances": [features]}, "response": {"predictions": [0.5]}}
            for side, body in bodies.items():
                record = {
                    "url": {"Scheme": "s3", "Host": "logs", "Path": "/kserve"},
                    "bytes": base64.b64encode(orjson.dumps(body)).decode(),
                    "contentType": "application/json",
                    "reqType": f"org.kubeflow.serving.inference.{side}",
                    "id": f"{i:032x}",
                    "inferenceService": "taxi",
                    "namespace": "default",
                    "component": "predictor",
                    "occurrenceTime": _time(i / calls),
                }
                blobs[side].append(record)
        for side, records in blobs.items():
            (folder / f"{first:032x}-{side}.json").write_bytes(orjson.dumps(records))


def _time(share: float) -> str:
    return (START + share * (END - START)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ingest(config: IngestConfig, out: str) -> None:
    ingest_logs.run(config, START, END, out)


def json_lines(logs: str, out: str) -> None:
    ingest(IngestConfig(format="json_lines", logs=logs), out)


def join(logs: str, truth: str, out: str) -> None:
    files = {"files": truth}
    config = IngestConfig(format="json_lines", logs=logs, ground_truth=files, horizon_hours=24)
    ingest(config, out)


def kserve(logs: str, out: str) -> None:
    ingest(IngestConfig(format="kserve", logs=f"{logs}/*.json"), out)


def json_lines_floor(logs: str, out: str) -> None:
    """pyarrow.json, whose types are given, tf.Examples by tfx-bsl, and plain TFRecords."""
    with open(logs, "rb") as f:
        first = orjson.loads(f.readline())
    schema = pa.schema([(name, _arrow_type(value)) for name, value in first.items()])
    parse = pa.json.ParseOptions(explicit_schema=schema)
    with open(logs, "rb") as f, tf.io.TFRecordWriter(out) as writer:
        for block in _blocks(f):
            table = pa.json.read_json(
                io.BytesIO(block), pa.json.ReadOptions(use_threads=False), parse
            )
            for batch in table.to_batches():
                _write(writer, batch)


def kserve_floor(logs: str, out: str) -> None:
    """orjson and base64 of each record, then the examples that ``kserve`` writes, as above.

    What the examples hold beside the features is taken as it stands: nothing is paired, and no
    time is read.
    """
    with tf.io.TFRecordWriter(out) as writer:
        for file in sorted(Path(logs).iterdir()):
            columns: dict[str, list] = {}
            for record in orjson.loads(file.read_bytes()):
                body = orjson.loads(base64.b64decode(record["bytes"]))
                for instance in body.get("instances", ()):
                    row = instance | _logged(record)
                    for name, value in row.items():
                        columns.setdefault(name, []).append(value)
            if columns:
                arrays = [pa.array(values) for values in columns.values()]
                _write(writer, pa.RecordBatch.from_arrays(arrays, list(columns)))


def _logged(record: dict) -> dict:
    return {
        "prediction": 0.5,
        "log_request_id": record["id"],
        "log_row": 0,
        "log_event_time": 1_767_225_600_000_000,
        "log_endpoint": "default",
        "log_model_version": "default",
        "log_status": "200",
        "log_latency_ms": 5.0,
    }


def _write(writer: tf.io.TFRecordWriter, batch: pa.RecordBatch) -> None:
    columns = []
    for column in batch.columns:
        kind = pa.float32() if pa.types.is_floating(column.type) else column.type
        kind = pa.large_binary() if pa.types.is_string(kind) else kind
        columns.append(array_util.ToSingletonListArray(column.cast(kind)))
    for example in encode_examples(pa.RecordBatch.from_arrays(columns, batch.schema.names)):
        writer.write(example)


def _arrow_type(value: object) -> pa.DataType:
    return {str: pa.string(), float: pa.float64(), int: pa.int64()}[type(value)]


def _blocks(f) -> Iterator[bytes]:
    while block := f.read(4 << 20):
        yield block + f.readline()


def profile(work: Callable, *args: str) -> list[tuple[str, float]]:
    """The functions of ours, and of the libraries below, that take most of the time."""
    profiler = cProfile.Profile()
    profiler.runcall(work, *args)
    stats = pstats.Stats(profiler).stats
    total = sum(tt for _, _, tt, _, _ in stats.values())
    own = {
        f"{Path(file).name}:{name}" if line else name: tt / total
        for (file, line, name), (_, _, tt, _, _) in stats.items()
    }
    return sorted(own.items(), key=lambda x: -x[1])[:12]


WORKS = {f.__name__: f for f in (json_lines, json_lines_floor, kserve, kserve_floor, join)}


def main() -> None:
    name, *args = sys.argv[1:]
    if name == "profile":
        print(json.dumps(profile(WORKS[args[0]], *args[1:])))
        return
    began = time.process_time()
    WORKS[name](*args)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": time.process_time() - began, "megabytes": peak / 1024}))


if __name__ == "__main__":
    main()
