"""Claim: metrics of slices with 95 % intervals cost at most 3 times a group-by that has none.

Evaluates 1,000,000 rows (``ROWS`` in the environment: another number) in 126 and in 10,002 slices,
each in a process of its own, and prints for each its CPU seconds and the memory it took beyond
imports. Counted is the collector's and the metrics' work: neither making the data, nor Beam, nor
the selection of rows before them. Polars' group-by, in an environment of its own, gives the same
metrics' point values. TFMA evaluates 20,000 rows in 126 slices, without intervals, and with Beam
around it; its CPU time, start-up included, is scaled to all rows.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from evaluate_data import SLICES, numbers

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.10")  # the first there is
ROWS, TFMA_ROWS = int(os.environ.get("ROWS", 1_000_000)), 20_000
CITIES = {126: 20, 10_000: 1666}  # with 5 kinds: cities + kinds + pairs + the whole
METRICS = ["auc", "precision", "recall", "calibration", "binary_crossentropy"]


def ours(rows: int, cities: int) -> None:
    import numpy as np
    import pyarrow as pa
    from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
    from tfx_vigil.beam_jobs.evaluation_plan import make_plan
    from tfx_vigil.beam_jobs.metrics.collect import Collector, Columns
    from tfx_vigil.beam_jobs.metrics.results import measure

    config = EvaluationConfig(label="label", slices=SLICES, metrics=METRICS)
    plan = make_plan(config, {"logged": "score"})
    columns = Columns("label", {"logged": "score"})
    collector, cpu = Collector(plan.needs(), plan.slices, columns), 0.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for made in numbers(rows, cities):
        lists = {
            name: pa.LargeListArray.from_arrays(np.arange(len(v) + 1), pa.array(v))
            for name, v in made.items()
        }
        batch = pa.RecordBatch.from_pydict(lists)
        start = time.process_time()
        collector.add(batch)
        cpu += time.process_time() - start
    start = time.process_time()
    results = measure(plan, collector.statistics())
    cpu += time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cpu": cpu, "mb": (peak - before) / 1024, "slices": len(results.keys)}))


def job(rows: int, cities: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from tfx_vigil.beam_jobs import evaluate_slices
    from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig

    with tempfile.TemporaryDirectory() as folder:
        parts = map(pa.table, numbers(rows, cities))
        first = next(parts)
        with pq.ParquetWriter(f"{folder}/rows.parquet", first.schema) as file:
            for part in itertools.chain([first], parts):
                file.write_table(part)
        config = EvaluationConfig(
            label="label", prediction="score", slices=SLICES, metrics=METRICS, min_slice_rows=1
        )
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.process_time()
        report = evaluate_slices.run(config, f"{folder}/rows.parquet", f"{folder}/evaluation")
        cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slices = len({metric.slice for metric in report.metrics})
    print(json.dumps({"cpu": cpu, "mb": (peak - before) / 1024, "slices": slices}))


def tfma(rows: int, cities: int) -> None:
    import pandas as pd
    import tensorflow_model_analysis as tfma

    frame = pd.concat([pd.DataFrame(made) for made in numbers(rows, cities)], ignore_index=True)
    names = ["AUC", "Precision", "Recall", "Calibration", "BinaryCrossEntropy"]
    config = tfma.EvalConfig(
        model_specs=[tfma.ModelSpec(label_key="label", prediction_key="score")],
        slicing_specs=[tfma.SlicingSpec(feature_keys=keys) for keys in [[], *SLICES]],
        metrics_specs=[tfma.MetricsSpec(metrics=[tfma.MetricConfig(class_name=n) for n in names])],
    )
    start = time.process_time()
    result = tfma.analyze_raw_data(frame, config)
    spent = time.process_time() - start
    print(json.dumps({"cpu": spent, "slices": len(result.slicing_metrics)}))


def run(tool: str, rows: int, slices: int, python: str = sys.executable) -> dict[str, float]:
    own = Path(__file__).with_name(f"evaluate_worker_{tool}.py")
    program = [own] if own.exists() else [__file__, tool]
    command = [python, *program, str(rows), str(CITIES[slices])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{tool}: {done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    memory = f", {found['mb']:.0f} MB beyond imports" if "mb" in found else ""
    print(f"{tool}: {rows:,} rows, {found['slices']:,} slices: {found['cpu']:.2f} CPU s{memory}")
    return found


def polars_environment() -> str:
    subprocess.run([ROOT / "requirements/environment.sh", "evaluate-peers", *PYTHONS], check=True)
    return str(ROOT / ".uv/evaluate-peers/bin/python")


def main() -> None:
    few = run("ours", ROWS, 126)
    many = run("ours", ROWS, 10_000)
    quarter = run("ours", ROWS // 4, 126)
    whole = run("job", ROWS, 126)
    group_by = run("polars", ROWS, 126, polars_environment())
    real = run("tfma", TFMA_ROWS, 126)
    scaled = real["cpu"] * ROWS / TFMA_ROWS
    print(f"polars' group-by: {few['cpu'] / group_by['cpu']:.1f} x its CPU (goal: at most 3)")
    print(f"  and the whole job: {whole['cpu'] / group_by['cpu']:.1f} x")
    print(f"10,000 slices: {many['cpu'] / few['cpu']:.1f} x the CPU of 126 (goal: at most 10)")
    print(f"TFMA, scaled: {scaled / few['cpu']:.0f} x our CPU (goal: at least 500)")
    print(f"four times the rows: {few['mb'] / quarter['mb']:.2f} x the memory")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"ours": ours, "job": job, "tfma": tfma}[sys.argv[1]](*map(int, sys.argv[2:]))
    else:
        main()
