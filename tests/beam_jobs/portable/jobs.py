"""Every Beam job on one small day of traffic; each gives what can be compared between runners."""

import base64
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import tensorflow as tf
import tensorflow_data_validation as tfdv
from tfx_vigil.beam_jobs import (
    evaluate_slices,
    ingest_logs,
    keysets,
    pseudonymize,
)
from tfx_vigil.beam_jobs.drift_statistics.job import StatisticsConfig, write_table_statistics
from tfx_vigil.beam_jobs.engine import job_options
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.examples import split_pattern
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig
from tfx_vigil.beam_jobs.scrub_dead_letters import scrub_dead_letters
from tfx_vigil.beam_jobs.select_training_rows import select_training_rows
from tfx_vigil.beam_jobs.subjects import register
from tfx_vigil.beam_jobs.subjects.collect import collect_rows
from tfx_vigil.beam_jobs.subjects.edit_files import edit_files
from tfx_vigil.beam_jobs.subjects.erase import Erase
from tfx_vigil.beam_jobs.subjects.marks import marks_of
from tfx_vigil.beam_jobs.subjects.restrict import Restrict

from .outputs import dead_letters, rows

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
END = START + timedelta(days=1)
CALLS, CALLS_A_FILE, LABELS = 3000, 250, 2500
COMPANIES = ("Blue", "Checker", "Yellow")
SLICES = [["company"], ["company", "area"]]


class Day:
    """A day's logs and truth, and what the in-process jobs make of them, input of later jobs."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.keyset = str(folder / "keyset.json")
        keysets.create(self.keyset)
        _write_logs(folder)
        ingest(self, folder / "raw", [])
        self.raw = str(folder / "raw")
        table = _table()
        pa.parquet.write_table(table, folder / "table.parquet", row_group_size=500)
        pa.csv.write_csv(table, folder / "table.csv")
        for name, weight in (("candidate", 0.06), ("in_service", 0.04)):
            _save_model(str(folder / name), weight)


def ingest(day, out, beam_args):
    config = IngestConfig(
        format="kserve",
        logs=f"{day.folder}/logs/*.json",
        features={"fare": "float", "area": "int", "company": "string"},
        ground_truth={"files": f"{day.folder}/truth.jsonl"},
        horizon_hours=24,
    )
    report = ingest_logs.run(config, START, END, str(out), beam_args)
    letters = dead_letters(out / "dead_letter")
    return report.model_dump(), letters, rows(out, "serving"), rows(out, "labelled")


def protect(day, out, beam_args):
    config = PrivacyConfig(
        keyset=day.keyset,
        domain="riders",
        default="keep",
        fields={
            "rider_email": {"method": "hmac"},
            "client_ip": {"method": "generalize", "kind": "ip"},
        },
    )
    report = pseudonymize.run(config, day.raw, str(out), beam_args)
    return report.model_dump(), rows(out, "serving"), rows(out, "labelled")


def exercise_rights(day, out, beam_args):
    """One rider is erased and another's rows are kept aside, from then on and in what there is."""
    config = PrivacyConfig(
        keyset=day.keyset,
        domain="riders",
        default="keep",
        fields={"rider_email": {"method": "hmac", "role": "subject_id"}},
    )
    erased, restricted, late = (marks_of(config, f"rider{n:04d}@example.org") for n in (1, 2, 3))
    history = str(out / "history")
    register.save(history, register.SubjectRegister().with_restricted(late.tag))
    report = pseudonymize.run(config, day.raw, str(out), beam_args, history)
    counts = []
    for edit in (Erase([erased]), Restrict([restricted])):
        files = [str(path) for path in out.glob("Split-[ls]*/*")]
        results = edit_files(files, edit, beam_args)
        counts.append([sum(r.rows_read for r in results), sum(r.rows_removed for r in results)])
    files = [str(path) for path in out.glob("Split-*/*")]
    held = collect_rows(files, [erased, restricted, late], beam_args)
    values = sorted((h.split, h.restricted, h.row["log_request_id"]) for h in held)
    splits = [rows(out, name) for name in ("serving", "labelled", "restricted")]
    return report.model_dump(), counts, values, splits


def scrub(day, out, beam_args):
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        scrub_dead_letters(pipeline, f"{day.raw}/dead_letter", str(out))
    return dead_letters(out)


def select(day, out, beam_args):
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        select_training_rows(
            pipeline,
            {split_pattern(day.raw, "labelled"): 0.5, split_pattern(day.raw, "serving"): 1.0},
            0.3,
            0.1,
            ["fare", "area", "company"],
            str(out),
            weigh_by=["fare", "company"],
        )
    return rows(out, "train"), rows(out, "eval"), rows(out, "old")


def evaluate_logged(day, out, beam_args):
    config = EvaluationConfig(label="label", slices=SLICES, min_slice_rows=20)
    data = f"{day.raw}/Split-labelled"
    report = evaluate_slices.run(config, data, str(out), beam_args=beam_args)
    return _rounded(report)


def evaluate_models(day, out, beam_args):
    config = EvaluationConfig(label="label", slices=SLICES, min_slice_rows=20)
    models = {name: str(day.folder / name) for name in ("candidate", "in_service")}
    data = f"{day.raw}/Split-labelled"
    return _rounded(evaluate_slices.run(config, data, str(out), models, beam_args))


def statistics_of_examples(day, out, beam_args):
    return _statistics(f"{day.raw}/Split-serving", out, beam_args)


def statistics_of_parquet(day, out, beam_args):
    return _statistics(f"{day.folder}/table.parquet", out, beam_args)


def statistics_of_csv(day, out, beam_args):
    return _statistics(f"{day.folder}/table.csv", out, beam_args)


JOBS = [
    ingest,
    protect,
    exercise_rights,
    scrub,
    select,
    evaluate_logged,
    evaluate_models,
    statistics_of_examples,
    statistics_of_parquet,
    statistics_of_csv,
]


def _statistics(table, out, beam_args):
    """Counts, moments and frequent values of every slice. Sketches of quantiles are left out: they
    depend, within the error that they promise, on how rows were split among workers."""
    file = f"{out}/Split-all/FeatureStats.pb"
    config = StatisticsConfig(tuple(tuple(features) for features in SLICES))
    write_table_statistics(table, str(out), "all", config, job_options(beam_args))
    found = {}
    for dataset in tfdv.load_stats_binary(file).datasets:
        found[dataset.name] = dataset.num_examples
        for feature in dataset.features:
            key = dataset.name, feature.path.step[0]
            if feature.HasField("num_stats"):
                stats = feature.num_stats
                found[(*key, "count")] = stats.common_stats.num_non_missing
                found[(*key, "moments")] = [
                    float(f"{x:.6g}") for x in (stats.mean, stats.std_dev, stats.min, stats.max)
                ]
            else:
                stats = feature.string_stats
                found[(*key, "count")] = stats.common_stats.num_non_missing
                buckets = stats.rank_histogram.buckets
                found[(*key, "values")] = sorted((b.label, b.sample_count) for b in buckets)
    return found


def _rounded(report):
    """Sums in another order differ in the last digits."""
    return json.loads(
        report.model_dump_json(), parse_float=lambda text: float(f"{float(text):.5g}")
    )


def _write_logs(folder):
    rng = np.random.default_rng(7)
    fares = rng.gamma(3, 5, CALLS)
    arrival = (END - timedelta(hours=1)).isoformat()
    records, labels = [], []
    for n, fare in enumerate(fares):
        time = START + timedelta(seconds=25 * n)
        instance = {
            "fare": fare,
            "area": n % 5,
            "company": COMPANIES[n % 3],
            "rider_email": f"rider{n % 97:04d}@example.org",
            "client_ip": f"192.0.2.{n % 200}",
        }
        score = fare / (fare + 15)
        for side, body in (
            ("request", {"instances": [instance]}),
            ("response", {"predictions": [score]}),
        ):
            text = base64.b64encode(json.dumps(body).encode()).decode()
            record = {"id": f"r{n}", "reqType": f"org.kubeflow.serving.inference.{side}"}
            records.append({**record, "occurrenceTime": time.isoformat(), "bytes": text})
        if n < LABELS:
            label = bool(rng.random() < score)
            labels.append({"request_id": f"r{n}", "time": arrival, "label": label})
    records[100]["bytes"] = records[100]["bytes"][:20]
    records += records[::50]
    (folder / "logs").mkdir()
    for i in range(0, len(records), CALLS_A_FILE):
        text = json.dumps(records[i : i + CALLS_A_FILE])
        (folder / "logs" / f"{i:05d}.json").write_text(text)
    (folder / "truth.jsonl").write_text("\n".join(map(json.dumps, labels)))


def _table():
    n = np.arange(4000)
    return pa.table(
        {
            "fare": np.sqrt(n).astype(np.float32),
            "area": n % 5,
            "company": pa.array(np.array(COMPANIES)[n % 3]),
        }
    )


def _save_model(path, weight):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        spec = {"fare": tf.io.FixedLenFeature([1], tf.float32)}
        return {"score": tf.sigmoid(weight * tf.io.parse_example(examples, spec)["fare"] - 0.5)}

    module.serve = serve
    tf.saved_model.save(module, path, signatures={"serving_default": serve})
