"""Replays trips as the traffic of a deployed model: KServe payload logs and late ground truth.

The model in service really predicts each request. Riders are made up: their e-mail, phone and
address are drawn from ranges reserved for examples (RFC 2606, RFC 5737, 555-01xx numbers).
"""

from __future__ import annotations

import base64
import json
import shutil
import uuid
from pathlib import Path

import numpy as np
import pandas as pd

from .taxi import FEATURES, LABEL, PAYMENT, to_examples

_RECORDS_A_FILE = 50
_REPEATED = 0.01
_UNANSWERED = 0.002
_MALFORMED_A_SPAN = 5
_RIDERS = 3000
_NETWORKS = ("192.0.2", "198.51.100", "203.0.113")


def predict(saved_model: str, frame: pd.DataFrame) -> np.ndarray:
    """Scores of the SavedModel, shape [rows]."""
    import tensorflow as tf

    if frame.empty:
        return np.empty(0)
    signature = tf.saved_model.load(saved_model).signatures["serving_default"]
    (scores,) = signature(examples=tf.constant(to_examples(frame))).values()
    return scores.numpy().reshape(-1).astype(float)


def replay(
    frame: pd.DataFrame, saved_model: str, version: str, span: str, folder: Path, seed: int
) -> None:
    """Writes one span's logs to ``folder/logs`` and its labels to ``folder/truth``.

    Args:
      frame: the span's trips.
      version: of the model, as the server reports it.
      seed: of riders, latencies, delays and damages; the same arguments write the same files.
    """
    rng = np.random.default_rng([seed, int(frame.index[0])])
    scores = predict(saved_model, frame)
    rows = frame.assign(
        id=[str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(len(frame))],
        score=scores,
        latency=rng.lognormal(2.5, 0.6, len(frame)),
        answered=rng.random(len(frame)) >= _UNANSWERED,
        rider=rng.integers(0, _RIDERS, len(frame)),
        delay=pd.to_timedelta(rng.uniform(2, 12, len(frame)), unit="D"),
    ).to_dict("records")
    _write_logs(rows, version, folder / "logs", span, rng)
    _write_truth(rows, folder / "truth", span)


def _write_logs(
    rows: list[dict], version: str, folder: Path, span: str, rng: np.random.Generator
) -> None:
    records = [record for row in rows for record in _records(row, version)]
    repeated = rng.random(len(records)) < _REPEATED
    records += [record for record, again in zip(records, repeated, strict=True) if again]
    texts = [json.dumps(record) for record in records]
    for i in rng.choice(len(texts), _MALFORMED_A_SPAN, replace=False):
        texts[i] = json.dumps({**records[i], "bytes": records[i]["bytes"][:40]})
    target = folder / span
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for start in range(0, len(texts), _RECORDS_A_FILE):
        first = records[start]
        name = f"{first['id']}-{first['reqType'].rpartition('.')[2]}.json"
        batch = ",\n".join(texts[start : start + _RECORDS_A_FILE])
        (target / f"{start:06d}-{name}").write_text(f"[{batch}]")


def _records(row: dict, version: str) -> list[dict]:
    """The request and, if there was one, the response, as KServe's logger stores them."""
    request = {"instances": [{**_features(row), **_rider(row["rider"])}]}
    records = [_record(row["id"], "request", request, row["end"], version)]
    if row["answered"]:
        answer = row["end"] + pd.Timedelta(row["latency"], unit="ms")
        body = {"predictions": [[row["score"]]]}
        records.append(_record(row["id"], "response", body, answer, version))
    return records


def _record(id_: str, side: str, body: dict, time: pd.Timestamp, version: str) -> dict:
    return {
        "url": {"Scheme": "file", "Host": "", "Path": "/logs"},
        "bytes": base64.b64encode(json.dumps(body).encode()).decode(),
        "contentType": "application/json",
        "reqType": f"org.kubeflow.serving.inference.{side}",
        "id": id_,
        "inferenceService": "taxi-tips",
        "namespace": "demo",
        "component": "predictor",
        "endpoint": "",
        "metadata": {"X-Model-Version": [version]},
        "occurrenceTime": time.isoformat().replace("+00:00", "Z"),
    }


def _features(row: dict) -> dict:
    values = {name: row[name] for name in FEATURES}
    return {name: None if pd.isna(value) else value for name, value in values.items()}


def _rider(number: int) -> dict[str, str]:
    return {
        "rider_email": f"rider{number:04d}@example.org",
        "rider_phone": f"+1 {200 + number // 100}-555-01{number % 100:02d}",
        "client_ip": f"{_NETWORKS[number % 3]}.{number % 256}",
    }


def _write_truth(rows: list[dict], folder: Path, span: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        json.dumps(
            {
                "request_id": row["id"],
                "time": (row["end"] + row["delay"]).isoformat(),
                "label": row[LABEL],
                PAYMENT: row[PAYMENT],
            }
        )
        for row in rows
    ]
    (folder / f"{span}.jsonl").write_text("\n".join(lines) + "\n")
