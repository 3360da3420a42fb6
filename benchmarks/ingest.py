"""Claims: LogIngest costs a small multiple of parsing and encoding, in memory that hardly grows.

On 1,000,000 rows of JSON Lines (27 fields, 550 MB) and 1,000,000 records of KServe's payload
logger, each piece of work in a process of its own:

- JSON Lines: at most 2.5 times the CPU of pyarrow.json, tf.Example encoding and plain TFRecords.
- KServe: at most 3 times that of orjson, base64 and the same encoding and writing.
- Ground truth, 300,000 labels: at most 1.5 times the CPU without.
- Peak memory below 2 GB, and at most 1.25 times as much for twice as many rows.

Prints medians, ratios pair by pair, and where the time goes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import ingest_work as work

LABELS_A_ROW = 0.3


class Cost(NamedTuple):
    seconds: float
    megabytes: float


def measure(name: str, *args: object) -> Cost:
    return Cost(**json.loads(_run(name, *args)))


def _run(*args: object) -> str:
    command = [sys.executable, work.__file__, *map(str, args)]
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=quiet)
    return ran.stdout.splitlines()[-1]


def compare(runs: int, ours: tuple, floor: tuple, limit: float) -> None:
    pairs = [(measure(*ours), measure(*floor)) for _ in range(runs)]
    ratio = statistics.median(a.seconds / b.seconds for a, b in pairs)
    for (name, *_), costs in zip((ours, floor), zip(*pairs, strict=True), strict=True):
        seconds = statistics.median(cost.seconds for cost in costs)
        megabytes = statistics.median(cost.megabytes for cost in costs)
        print(f"{name:18}{seconds:8.1f} CPU s{megabytes:8,.0f} MB")
    print(f"{'ratio':18}{ratio:8.2f}   (at most {limit})\n", flush=True)


def show_profile(name: str, *args: object) -> None:
    print(f"where {name} spends its time (profiled, so in proportion only):")
    for function, share in json.loads(_run("profile", name, *args)):
        print(f"  {share:6.1%}  {function}")
    print()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temp:
        folder, out = Path(temp), f"{temp}/out"
        logs, twice, truth = (folder / name for name in ("log.jsonl", "twice.jsonl", "truth.jsonl"))
        blobs = folder / "kserve"
        blobs.mkdir()
        work.write_json_lines(logs, options.rows)
        work.write_truth(truth, logs, int(options.rows * LABELS_A_ROW))
        work.write_kserve(blobs, options.rows // 2)
        json_lines = ("json_lines", logs, out)
        compare(options.runs, json_lines, ("json_lines_floor", logs, f"{temp}/floor"), 2.5)
        show_profile(*json_lines)
        kserve = ("kserve", blobs, out)
        compare(options.runs, kserve, ("kserve_floor", blobs, f"{temp}/floor"), 3)
        show_profile(*kserve)
        join = ("join", logs, truth, out)
        compare(options.runs, join, json_lines, 1.5)
        show_profile(*join)
        work.write_json_lines(twice, 2 * options.rows)
        one, two = (measure("json_lines", path, out).megabytes for path in (logs, twice))
        print(f"peak memory {one:,.0f} MB, of twice the rows {two:,.0f} MB (at most 1.25 times)")
        print(f"ratio {two / one:.2f}")


if __name__ == "__main__":
    main()
