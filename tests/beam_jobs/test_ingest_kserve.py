"""Records built by hand from the definition of KServe's logger and of V1 and V2 bodies."""

import base64
import json
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest
from tfx_vigil.beam_jobs.ingest_config import IngestConfig, Window
from tfx_vigil.beam_jobs.log_values import Malformed
from tfx_vigil.beam_jobs.read_kserve import ParseKServe

START = datetime(2026, 8, 21, tzinfo=timezone.utc)
TIME = 1_787_306_400_123_456
REQUEST = {
    "url": {"Scheme": "s3", "Host": "logs", "Path": "/kserve"},
    "bytes": "eyJpbnN0YW5jZXMiOltbNi44LDIuOCw0LjgsMS40XV19",
    "contentType": "application/json",
    "reqType": "org.kubeflow.serving.inference.request",
    "id": "0009174a-24a8-4603-b098-09c8799950e9",
    "sourceUri": {"Scheme": "http", "Host": "localhost:9081", "Path": "/"},
    "inferenceService": "sklearn-iris",
    "namespace": "default",
    "component": "predictor",
    "metadata": {"X-Request-Id": ["r-1"]},
    "occurrenceTime": "2026-08-21T10:00:00.123456Z",
}
IRIS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
V2_REQUEST = {
    "id": "r-42",
    "inputs": [
        {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [41, 29]},
        {"name": "country", "shape": [2, 1], "datatype": "BYTES", "data": ["CH", "DE"]},
        {"name": "pair", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2], [3, 4]]},
    ],
}
V2_RESPONSE = {
    "model_name": "credit",
    "model_version": "3",
    "id": "r-42",
    "outputs": [
        {"name": "proba", "shape": [2, 1], "datatype": "FP32", "data": [0.125, 0.75]},
        {"name": "logits", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]},
    ],
}


def parse(record, **config):
    config = IngestConfig(format="kserve", logs="x", **config)
    parser = ParseKServe(config, Window.of(config, START, START + timedelta(days=1)))
    return parser(record, "f", 7, Counter(), set())


def record(side, body, **fields):
    payload = base64.b64encode(json.dumps(body).encode()).decode()
    return {**REQUEST, "reqType": side, "bytes": payload, **fields}


def test_a_v1_request_of_bare_lists():
    request_id, piece = parse(REQUEST, feature_names=IRIS)
    assert request_id == "0009174a-24a8-4603-b098-09c8799950e9"
    assert piece.rows == [dict(zip(IRIS, [6.8, 2.8, 4.8, 1.4], strict=True))]
    assert (piece.time, piece.file, piece.offset, piece.first_row) == (TIME, "f", 7, 0)
    assert piece.columns == {"log_endpoint": "default"}


def test_a_v1_request_of_objects_keeps_undeclared_fields():
    body = {"instances": [{"age": 41, "email": "a@example.org"}, {"age": None, "hour": 3}]}
    _, piece = parse(record("request", body), features={"hour": "int"})
    assert piece.rows == [{"age": 41.0, "email": "a@example.org"}, {"hour": 3}]


def test_v2_columns_become_rows():
    _, piece = parse(record("request", V2_REQUEST))
    assert piece.rows == [
        {"age": 41.0, "country": "CH", "pair": [1.0, 2.0]},
        {"age": 29.0, "country": "DE", "pair": [3.0, 4.0]},
    ]


@pytest.mark.parametrize("data", [[[1, 2], [3, 4]], [1, 2, 3, 4]])
def test_the_columns_of_one_v2_matrix_are_named(data):
    body = {"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": data}]}
    _, piece = parse(record("request", body), feature_names=["a", "b"])
    assert piece.rows == [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}]


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        ({"predictions": [1, 0.5]}, None, [1.0, 0.5]),
        ({"predictions": [[0.25, 0.75]]}, None, [[0.25, 0.75]]),
        ({"predictions": [{"score": 0.5, "label": "yes"}]}, "score", [0.5]),
        (V2_RESPONSE, "proba", [0.125, 0.75]),
        (V2_RESPONSE, "logits", [[1.0, 2.0], [3.0, 4.0]]),
        ({"outputs": V2_RESPONSE["outputs"][:1]}, None, [0.125, 0.75]),
    ],
)
def test_predictions_of_v1_and_v2(body, name, expected):
    _, piece = parse(record("response", body), prediction=name)
    assert piece.predictions == expected


@pytest.mark.parametrize("kind", ["response", "org.kubeflow.serving.inference.response"])
def test_a_record_is_known_by_the_end_of_its_type(kind):
    assert parse(record(kind, {"predictions": [1]}))[1].predictions == [1.0]


def test_the_model_version_is_the_bodys_before_the_headers():
    header = {"metadata": {"X-MODEL-VERSION": ["9"]}}
    assert parse(record("response", V2_RESPONSE, **header), prediction="proba")[1][-1] == "3"
    assert parse(record("response", {"predictions": [1]}, **header))[1].model_version == "9"
    assert parse(record("response", {"predictions": [1]}))[1].model_version is None
    _, piece = parse(record("request", V2_REQUEST, endpoint="canary", **header))
    assert piece.columns == {"log_endpoint": "canary", "log_model_version": "9"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "missing:id"),
        ({"id": {}}, "bad_value:id"),
        ({"occurrenceTime": None}, "missing:occurrenceTime"),
        ({"occurrenceTime": "yesterday"}, "bad_time:occurrenceTime"),
        ({"reqType": "ping"}, "bad_value:reqType"),
        ({"bytes": None}, "missing:bytes"),
        ({"bytes": "!"}, "bad_value:bytes"),
        ({"bytes": "é"}, "bad_value:bytes"),
        ({"bytes": 5}, "bad_value:bytes"),
        ({"bytes": base64.b64encode(b'{"instances": [{"a": NaN}]}').decode()}, "bad_value:bytes"),
        ({"bytes": base64.b64encode(b"[1]").decode()}, "bad_value:bytes"),
        ({"bytes": base64.b64encode(b"{" + b'"a":[' * 5000).decode()}, "bad_value:bytes"),
        ({"endpoint": 5}, "bad_value:endpoint"),
    ],
)
def test_malformed_records_say_which_field(change, reason):
    with pytest.raises(Malformed) as error:
        parse({**REQUEST, **change}, feature_names=IRIS)
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("side", "body", "reason"),
    [
        ("request", {}, "missing:instances"),
        ("request", {"instances": {}}, "bad_value:instances"),
        ("request", {"instances": [[1, 2]]}, "bad_value:feature_names"),
        ("request", {"instances": [{"label": 1}]}, "reserved_name:label"),
        ("request", {"inputs": []}, "bad_value:inputs"),
        ("request", {"inputs": [{"name": "a", "shape": [1]}]}, "missing:data"),
        (
            "request",
            {
                "inputs": [
                    {"name": "a", "shape": [1], "data": [1]},
                    {"name": "b", "shape": [2], "data": [1, 2]},
                ]
            },
            "bad_value:inputs",
        ),
        ("response", {}, "missing:predictions"),
        ("response", {"predictions": ["cat"]}, "bad_value:prediction"),
        ("response", V2_RESPONSE, "missing:prediction"),
        ("response", {"predictions": [1], "model_version": []}, "bad_value:model_version"),
    ],
)
def test_malformed_bodies_say_which_field(side, body, reason):
    with pytest.raises(Malformed) as error:
        parse(record(side, body))
    assert error.value.reason == reason


def test_records_out_of_reach_are_counted_and_not_kept():
    config = IngestConfig(format="kserve", logs="x")
    parser = ParseKServe(config, Window.of(config, START - timedelta(days=9), START))
    counts = Counter()
    assert parser(record("request", V2_REQUEST), "f", 0, counts, set()) is None
    assert counts == {"rows": 2, "rows_outside_window": 2}
