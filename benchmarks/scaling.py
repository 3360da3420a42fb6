"""Claim: a worker's CPU time grows as its rows do, and its memory far less, towards a limit.

Runs each job on one worker process of its own, apart from the runner, on 50,000 and on 200,000
rows of 13 features (``ROWS`` in the environment: other numbers), in 20 minutes on two cores.
Prints for each job:

- rows per core-second of the worker, start-up aside: additional rows by additional CPU seconds;
- CPU seconds of start-up, the part that does not depend on rows;
- the worker's peak memory at both sizes, and the ratio;
- the runner's peak memory: Beam's local runner exchanges data between stages in its memory, so
  this does grow; Flink, Spark and Dataflow exchange data on disk.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)
FEATURES = [f"x{k}" for k in range(10)]
CITIES, KINDS, RIDERS, CALLS_A_FILE = 20, 5, 5000, 2000
SLICES = [["kind"], ["city"]]


def write_day(folder: Path, rows: int) -> None:
    """A day's KServe logs, one row a call, and a label for each row."""
    (folder / "logs").mkdir(parents=True)
    rng = np.random.default_rng(1)
    with open(folder / "truth.jsonl", "w") as truth:
        for first in range(0, rows, CALLS_A_FILE):
            records = []
            for n in range(first, min(first + CALLS_A_FILE, rows)):
                time = (START + timedelta(seconds=80_000 * n / rows)).isoformat()
                values = rng.normal(size=len(FEATURES)).round(4).tolist()
                score = 1 / (1 + np.exp(-values[0]))
                instance = dict(zip(FEATURES, values, strict=True)) | {
                    "kind": f"kind {n % KINDS}",
                    "city": f"city {n % CITIES}",
                    "rider_email": f"rider{n % RIDERS}@example.org",
                }
                for side, body in (
                    ("request", {"instances": [instance]}),
                    ("response", {"predictions": [score]}),
                ):
                    text = base64.b64encode(json.dumps(body).encode()).decode()
                    record = {"id": str(n), "reqType": side, "occurrenceTime": time}
                    records.append({**record, "bytes": text})
                label = {"request_id": str(n), "time": time, "label": bool(rng.random() < score)}
                truth.write(json.dumps(label) + "\n")
            (folder / "logs" / f"{first:09d}.json").write_text(json.dumps(records))


def ingest(day: Path, beam_args: list[str]) -> None:
    from tfx_vigil.beam_jobs import ingest_logs
    from tfx_vigil.beam_jobs.ingest_config import IngestConfig

    config = IngestConfig(
        format="kserve",
        logs=f"{day}/logs/*.json",
        ground_truth={"files": f"{day}/truth.jsonl"},
        horizon_hours=24,
    )
    ingest_logs.run(config, START, END, f"{day}/raw", beam_args)


def pseudonymize(day: Path, beam_args: list[str]) -> None:
    from tfx_vigil.beam_jobs import keysets, pseudonymize
    from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig

    keysets.create(f"{day}/keyset.json")
    fields = {"rider_email": {"method": "hmac"}}
    config = PrivacyConfig(
        keyset=f"{day}/keyset.json", domain="benchmark", fields=fields, default="keep"
    )
    pseudonymize.run(config, f"{day}/raw", f"{day}/protected", beam_args)


def statistics(day: Path, beam_args: list[str]) -> None:
    from tfx_vigil.beam_jobs.drift_statistics.job import StatisticsConfig, write_table_statistics
    from tfx_vigil.beam_jobs.engine import job_options

    config = StatisticsConfig(tuple(tuple(features) for features in SLICES))
    source, target = f"{day}/protected/Split-serving", f"{day}/statistics"
    write_table_statistics(source, target, "serving", config, job_options(beam_args))


def evaluate(day: Path, beam_args: list[str]) -> None:
    from tfx_vigil.beam_jobs import evaluate_slices
    from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig

    config = EvaluationConfig(label="label", slices=SLICES)
    source = f"{day}/protected/Split-labelled"
    evaluate_slices.run(config, source, f"{day}/evaluation", beam_args=beam_args)


def select(day: Path, beam_args: list[str]) -> None:
    import apache_beam as beam
    from tfx_vigil.beam_jobs.engine import job_options
    from tfx_vigil.beam_jobs.select_training_rows import select_training_rows

    rows = f"{day}/protected/Split-labelled/*"
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        select_training_rows(
            pipeline, {rows: 1.0}, 0.3, 0.1, [*FEATURES, "label"], f"{day}/training"
        )


JOBS = {
    "ingest": (ingest, 1),
    "pseudonymize": (pseudonymize, 2),
    "statistics": (statistics, 1),
    "evaluate": (evaluate, 1),
    "select": (select, 1),
}
"""The jobs, in an order in which each finds what it reads, and how often each reads a row."""


class PeakMemory(threading.Thread):
    """The largest resident set, in bytes, that a process below this one has had."""

    def __init__(self):
        super().__init__(daemon=True)
        self.bytes = 0
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(0.1):
            self.bytes = max([self.bytes, *map(_peak, _below(os.getpid()))])

    def stop(self) -> int:
        self._done.set()
        self.join()
        return self.bytes


def _below(pid: int) -> Iterator[int]:
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found = children.read_text().split()
        except OSError:
            continue
        for child in map(int, found):
            yield child
            yield from _below(child)


def _peak(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return 1024 * int(peak[0]) if peak else 0


def measure_here(name: str, day: Path) -> None:
    """Prints worker's CPU seconds, worker's and runner's peak memory as JSON."""
    from tfx_vigil.pipelines.beam_options import BeamConfig

    beam = BeamConfig(runner="multi_processing", options={"direct_num_workers": 1})
    peak = PeakMemory()
    peak.start()
    JOBS[name][0](day, beam.args())
    workers = peak.stop()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    runner = _peak(os.getpid())
    print(json.dumps([used.ru_utime + used.ru_stime, workers, runner]))


def measure(name: str, day: Path) -> tuple[float, float, float]:
    command = [sys.executable, __file__, name, str(day)]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return tuple(json.loads(result.stdout.splitlines()[-1]))


def main() -> None:
    few, many = map(int, os.environ.get("ROWS", "50000 200000").split())
    with tempfile.TemporaryDirectory() as temp:
        days = {rows: Path(temp, str(rows)) for rows in (few, many)}
        for rows, day in days.items():
            write_day(day, rows)
        print(f"{'job':13} rows/core-s  start-up s  worker MiB at {few:,} and {many:,}  runner MiB")
        for name, (_, reads) in JOBS.items():
            (cpu, low, below), (more, high, above) = (measure(name, days[r]) for r in days)
            rate = reads * (many - few) / (more - cpu)
            print(
                f"{name:13} {rate:11,.0f} {cpu - reads * few / rate:11.1f} "
                f"{low / 2**20:8,.0f} {high / 2**20:8,.0f} (x {high / low:.2f}) "
                f"{below / 2**20:8,.0f} {above / 2**20:8,.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure_here(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
