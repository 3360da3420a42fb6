"""Calls of a live MLServer, logged as KServe, Seldon Core, gRPC and MLServer itself log them.

The server, its models and the bodies of the calls are real; what stands in for a logger is said
where it is made (``agent``, ``grpc_client``, ``runtime``). Predictions are compared with what
scikit-learn says to the same rows without a server.
"""

from datetime import timedelta

import pytest
import tensorflow as tf
from tfx_vigil.beam_jobs.ingest_config import IngestConfig, microseconds
from tfx_vigil.beam_jobs.ingest_logs import run

from .traffic import IRIS

pytestmark = pytest.mark.live_server

CREDIT = {"features": {"age": "int"}, "prediction": "predict_proba"}
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "log",
    ["blobs-1/default/credit/**/*.json", "blobs-4/default/credit/**/*.json", "kserve/credit.jsonl"],
)
def test_kserve_blobs_and_events_of_calls_over_http(logged, tmp_path, log):
    rows = ingested(logged, tmp_path, log, format="kserve", **CREDIT)
    assert rows == expected(logged, [*logged.http, logged.refused], credit, b"default")


def test_seldon_events_of_calls_over_http(logged, tmp_path):
    rows = ingested(logged, tmp_path, "seldon/credit.jsonl", format="open_inference", **CREDIT)
    assert rows == expected(logged, [*logged.http, logged.refused], credit, b"canary")


def test_messages_of_calls_over_grpc(logged, tmp_path):
    rows = ingested(logged, tmp_path, "grpc.jsonl", format="open_inference", **CREDIT)
    assert rows == expected(logged, logged.grpc, credit, b"credit")


def test_what_mlserver_itself_saw_of_calls_over_http_and_grpc(logged, tmp_path):
    log = "models/credit.calls.jsonl"
    rows = ingested(logged, tmp_path, log, format="open_inference", **CREDIT)
    assert rows == expected(logged, [*logged.http, *logged.grpc], credit, b"credit", paired=False)


@pytest.mark.parametrize(
    ("format", "log", "endpoint", "paired"),
    [
        ("kserve", "blobs-4/default/iris/**/*.json", b"default", True),
        ("open_inference", "seldon/iris.jsonl", b"canary", True),
        ("open_inference", "models/iris.calls.jsonl", b"iris", False),
    ],
)
def test_calls_with_one_matrix(logged, tmp_path, format, log, endpoint, paired):
    rows = ingested(logged, tmp_path, log, format=format, feature_names=IRIS)
    assert rows == expected(logged, logged.iris, iris, endpoint, paired)


def ingested(logged, output, log, **config):
    """Columns of the rows that the job writes, by request id and row; the times must be right."""
    config = IngestConfig(logs=f"{logged.folder}/{log}", **config)
    run(config, logged.started - MINUTE, logged.ended + MINUTE, str(output))
    files = sorted(str(path) for path in (output / "Split-serving").glob("data_tfrecord-*"))
    rows = {}
    for data in tf.data.TFRecordDataset(files).as_numpy_iterator():
        columns = tf.train.Example.FromString(data).features.feature
        kinds = {name: column.WhichOneof("kind") for name, column in columns.items()}
        row = {n: list(getattr(columns[n], kind).value) for n, kind in kinds.items() if kind}
        (request_id,), (number,) = row.pop("log_request_id"), row.pop("log_row")
        (time,), (latency,) = row.pop("log_event_time"), row.pop("log_latency_ms", [0.0])
        assert microseconds(logged.started) <= time
        assert time + 1000 * latency <= microseconds(logged.ended)
        assert (latency > 0) is (row.get("log_status") == [b"200"])
        assert rows.setdefault((request_id.decode(), number), row) is row
    return rows


def expected(logged, calls, features, endpoint, paired=True):
    """paired: requests and responses lie in records of their own."""
    rows = {}
    for call in calls:
        for number, sent in enumerate(call.rows):
            row = rows[call.id, number] = features(sent) | {"log_endpoint": [endpoint]}
            if call is logged.refused:
                row |= {"log_model_version": [endpoint], "log_status": [b"no_response"]}
                continue
            row["log_model_version"] = [b"3"]
            row["prediction"] = pytest.approx(logged.scores[call.id][number], rel=1e-6)
            if paired:
                row["log_status"] = [b"200"]
    return rows


def credit(sent):
    """Numbers come as float but for the one that is declared, truth values as int."""
    return {
        "age": [sent["age"]],
        "children": [float(sent["children"])],
        "income": [sent["income"]],
        "balance": [sent["balance"]],
        "member": [int(sent["member"])],
        "country": [sent["country"].encode()],
    }


def iris(sent):
    return {name: [value] for name, value in zip(IRIS, sent, strict=True)}
