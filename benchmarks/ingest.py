"""Claim: reading KServe payload logs costs a small multiple of parsing and encoding them.

Prints the CPU seconds of the whole ingest job (pairing, join, duplicates, account, report) on
60,000 records, and those of the floor in the same process: base64 and JSON of the same records,
conversion to Arrow, tf.Example encoding and one TFRecord file.
"""

from __future__ import annotations

import base64
import json
import statistics
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import orjson
import pyarrow as pa
import tensorflow as tf
from tfx_vigil.beam_jobs import ingest_logs
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.ingest_config import IngestConfig

CALLS, FEATURES, A_FILE, RUNS = 30_000, 20, 100, 3
START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def write_logs(folder: Path) -> None:
    records = []
    for call in range(CALLS):
        time_ = (START + timedelta(seconds=call)).isoformat()
        features = {f"x{k}": call * 0.5 + k for k in range(FEATURES)}
        for side, body in (
            ("request", {"instances": [features]}),
            ("response", {"predictions": [0.5]}),
        ):
            text = base64.b64encode(json.dumps(body).encode()).decode()
            records.append(
                {"id": str(call), "reqType": side, "occurrenceTime": time_, "bytes": text}
            )
    for i in range(0, len(records), A_FILE):
        (folder / f"{i:07d}.json").write_text(json.dumps(records[i : i + A_FILE]))


def floor(folder: Path, out: Path) -> None:
    columns: dict[str, list[list[float]]] = {f"x{k}": [] for k in range(FEATURES)}
    for file in sorted(folder.iterdir()):
        for record in orjson.loads(file.read_bytes()):
            body = orjson.loads(base64.b64decode(record["bytes"]))
            for name, value in body.get("instances", [{}])[0].items():
                columns[name].append([value])
    arrays = [pa.array(values, pa.large_list(pa.float32())) for values in columns.values()]
    batch = pa.RecordBatch.from_arrays(arrays, list(columns))
    with tf.io.TFRecordWriter(str(out), "GZIP") as writer:
        for example in encode_examples(batch):
            writer.write(example)


def seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    with tempfile.TemporaryDirectory() as temp:
        logs = Path(temp, "logs")
        logs.mkdir()
        write_logs(logs)
        config = IngestConfig(format="kserve", logs=f"{logs}/*.json")
        end = START + timedelta(days=1)
        ours, least = [], []
        for run in range(RUNS):
            out = Path(temp, f"out{run}")
            ours.append(seconds(lambda o=out: ingest_logs.run(config, START, end, str(o))))
            least.append(seconds(lambda: floor(logs, Path(temp, "floor.gz"))))
        ratio = statistics.median(a / b for a, b in zip(ours, least, strict=True))
        print(f"ingest job {statistics.median(ours):6.2f} CPU s for {2 * CALLS:,} records")
        print(f"floor      {statistics.median(least):6.2f} CPU s")
        print(f"ratio      {ratio:6.1f}")


if __name__ == "__main__":
    main()
