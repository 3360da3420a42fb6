"""Records built by hand from the definition of KServe's logger (kserve/pkg/logger)."""

import base64
import contextlib
import csv
import gzip
import json
import zlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.log_formats.contract import Request, Response
from tfx_vigil.beam_jobs.log_formats.kserve import KServe
from tfx_vigil.beam_jobs.log_values import Malformed

from .calls import Call
from .kserve_writer import LATENCY, event, flat, log_requests, write

TIME = 1_787_306_400_123_456
ID = "0009174a-24a8-4603-b098-09c8799950e9"
REQUEST = {
    "url": {"Scheme": "s3", "Host": "logs", "Path": "/kserve"},
    "bytes": "eyJpbnN0YW5jZXMiOltbNi44LDIuOCw0LjgsMS40XV19",
    "contentType": "application/json",
    "reqType": "org.kubeflow.serving.inference.request",
    "id": ID,
    "sourceUri": {"Scheme": "http", "Host": "localhost:9081", "Path": "/"},
    "inferenceService": "sklearn-iris",
    "namespace": "default",
    "component": "predictor",
    "metadata": {"X-Request-Id": ["r-1"]},
    "occurrenceTime": "2026-08-21T10:00:00.123456Z",
}
IRIS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
ROW = dict(zip(IRIS, [6.8, 2.8, 4.8, 1.4], strict=True))
PAYLOAD = b'{"instances":[[6.8,2.8,4.8,1.4]]}'
STRUCTURED = {
    "specversion": "1.0",
    "id": ID,
    "type": "org.kubeflow.serving.inference.request",
    "source": "http://localhost:9081/",
    "time": "2026-08-21T10:00:00.123456Z",
    "datacontenttype": "application/json",
    "inferenceservicename": "sklearn-iris",
    "namespace": "default",
    "component": "predictor",
    "endpoint": "canary",
    "metadata": '{"X-Model-Version":["9"]}',
    "data": {"instances": [[6.8, 2.8, 4.8, 1.4]]},
}
CALLS = [
    Call(f"r-{n}", TIME + n * 1000, "7", [{"age": 41.0, "country": "CH"}] * n, [0.5] * n)
    for n in range(1, 8)
]


def kserve(**config):
    return KServe(IngestConfig(format="kserve", logs="x", **config))


def parse(record, **config):
    return kserve(**config).parse(record if type(record) is dict else json.dumps(record).encode())


def record(side, body, **fields):
    payload = base64.b64encode(json.dumps(body).encode()).decode()
    return {**REQUEST, "reqType": side, "bytes": payload, **fields}


def test_a_blobs_request():
    request = kserve(feature_names=IRIS).parse(json.dumps(REQUEST).encode())
    columns = {"log_endpoint": "default"}
    assert request == Request(ID, TIME, [ROW], zlib.crc32(PAYLOAD), columns)


def test_a_blobs_response():
    body = {"predictions": [1, 0.5]}
    response = parse(record("org.kubeflow.serving.inference.response", body))
    digest = zlib.crc32(json.dumps(body).encode())
    assert response == Response(ID, TIME, [1.0, 0.5], digest, {})


@pytest.mark.parametrize("kind", ["response", "org.kubeflow.serving.inference.response"])
def test_a_record_is_known_by_the_end_of_its_type(kind):
    assert parse(record(kind, {"predictions": [1]})).predictions == [1.0]


def test_the_model_version_is_the_bodys_before_the_headers():
    header = {"metadata": {"X-MODEL-VERSION": ["9"]}}
    body = {"predictions": [1], "model_version": "3"}
    assert parse(record("response", body, **header)).columns == {"log_model_version": "3"}
    body = {"predictions": [1], "model_version": None}
    assert parse(record("response", body, **header)).columns == {"log_model_version": "9"}
    assert parse(record("response", body)).columns == {}
    request = parse(record("request", {"instances": []}, endpoint="canary", **header))
    assert request.columns == {"log_endpoint": "canary", "log_model_version": "9"}


@pytest.mark.parametrize("text", ["", None, "0001-01-01T00:00:00Z"])
def test_records_from_before_occurrence_times_have_no_time(text):
    untimed = {name: REQUEST[name] for name in ("reqType", "id", "bytes")}
    for logged in (untimed, {**untimed, "occurrenceTime": text}):
        assert parse(logged, feature_names=IRIS).time is None


def test_the_first_release_wrote_the_fields_names_in_go():
    renamed = {name[0].upper() + name[1:]: value for name, value in REQUEST.items()}
    del renamed["OccurrenceTime"]
    request = parse(renamed, feature_names=IRIS)
    assert (request.request_id, request.time, request.rows) == (ID, None, [ROW])


def test_rows_of_csv_and_parquet_are_texts():
    metadata = {"metadata": {"X-Model-Version": ["9"]}}
    request = parse(flat({**REQUEST, **metadata}), feature_names=IRIS)
    assert (request.request_id, request.time, request.rows) == (ID, None, [ROW])
    assert request.columns == {"log_endpoint": "default", "log_model_version": "9"}
    cells = {**flat(REQUEST), "metadata": "not JSON", "endpoint": None}
    assert parse(cells, feature_names=IRIS).columns == {"log_endpoint": "default"}


def test_an_event_in_structured_mode():
    raw = json.dumps(STRUCTURED).encode()
    columns = {"log_endpoint": "canary", "log_model_version": "9"}
    assert kserve(feature_names=IRIS).parse(raw) == Request(
        ID, TIME, [ROW], zlib.crc32(raw), columns
    )


@pytest.mark.parametrize(
    "data",
    [
        {"data": PAYLOAD.decode()},
        {"data": base64.b64encode(PAYLOAD).decode()},
        {"data": None, "data_base64": base64.b64encode(PAYLOAD).decode()},
    ],
)
def test_an_events_data_may_be_text_or_base64(data):
    request = parse({**STRUCTURED, **data}, feature_names=IRIS)
    assert (request.rows, request.digest) == ([ROW], zlib.crc32(PAYLOAD))


@pytest.mark.parametrize("prefix", ["ce-", "Ce-", "ce_"])
@pytest.mark.parametrize("body", ["body", "data"])
@pytest.mark.parametrize("wrap", [str, lambda text: [text]])
def test_an_event_in_binary_mode(prefix, body, wrap):
    attributes = {x: y for x, y in STRUCTURED.items() if x not in ("data", "datacontenttype")}
    headers = {prefix + name: wrap(value) for name, value in attributes.items()}
    dumped = {"headers": {"content-type": "text/plain", **headers}, body: PAYLOAD.decode()}
    assert parse(dumped, feature_names=IRIS) == Request(
        ID,
        TIME,
        [ROW],
        zlib.crc32(PAYLOAD),
        {"log_endpoint": "canary", "log_model_version": "9"},
    )


def test_bodies_may_be_compressed_and_hold_nan():
    body = gzip.compress(b'{"instances": [{"a": NaN, "b": 1}]}')
    request = parse({**REQUEST, "bytes": base64.b64encode(body).decode()})
    assert request.rows == [{"a": None, "b": 1}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": None}, "missing:id"),
        ({"id": {}}, "bad_value:id"),
        ({"occurrenceTime": "yesterday"}, "bad_time:occurrenceTime"),
        ({"occurrenceTime": {}}, "bad_time:occurrenceTime"),
        ({"reqType": "ping"}, "bad_value:reqType"),
        ({"reqType": None}, "missing:reqType"),
        ({"reqType": []}, "bad_value:reqType"),
        ({"bytes": None}, "missing:bytes"),
        ({"bytes": "!"}, "bad_value:bytes"),
        ({"bytes": "é"}, "bad_value:bytes"),
        ({"bytes": 5}, "bad_value:bytes"),
        ({"bytes": REQUEST["bytes"] + "!!!!"}, "bad_value:bytes"),
        ({"bytes": base64.b64encode(b"[1]").decode()}, "bad_value:bytes"),
        ({"bytes": base64.b64encode(b"{" + b'"a":[' * 5000).decode()}, "bad_value:bytes"),
        ({"bytes": base64.b64encode(b'{"predictions": [1]}').decode()}, "missing:instances"),
        ({"endpoint": 5}, "bad_value:endpoint"),
    ],
)
def test_malformed_records_say_which_field(change, reason):
    with pytest.raises(Malformed) as error:
        parse({**REQUEST, **change}, feature_names=IRIS)
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("logged", "reason"),
    [
        ({}, "missing:reqType"),
        ({"headers": {"accept": "*/*"}, "body": "{}"}, "missing:reqType"),
        ({**STRUCTURED, "id": ""}, "bad_value:id"),
        ({**STRUCTURED, "type": "ping"}, "bad_value:type"),
        ({**STRUCTURED, "time": "noon"}, "bad_time:time"),
        ({**STRUCTURED, "data": None}, "missing:data"),
        ({**STRUCTURED, "data": [1]}, "bad_value:data"),
        ({**STRUCTURED, "data": "{"}, "bad_value:data"),
        ({**STRUCTURED, "data": "é"}, "bad_value:data"),
        ({**STRUCTURED, "data_base64": "!"}, "bad_value:data"),
    ],
)
def test_malformed_events_say_which_field(logged, reason):
    with pytest.raises(Malformed) as error:
        parse(logged, feature_names=IRIS)
    assert error.value.reason == reason


def test_bytes_that_are_no_object_are_not_json():
    for line in (b"", b"5", b"[1]", b"{", b"\xff"):
        with pytest.raises(Malformed, match=r"^not_json$"):
            kserve().parse(line)


def logged_records(folder, form):
    for path in sorted(folder.rglob(f"*.{form}")):
        if form == "csv":
            with open(path, newline="") as lines:
                yield from csv.DictReader(lines)
        elif form == "parquet":
            yield from pq.read_table(path).to_pylist()
        elif form == "jsonl":
            yield from path.read_bytes().splitlines()
        else:
            found = json.loads(path.read_text())
            yield from found if type(found) is list else [found]


@pytest.mark.parametrize("v2", [False, True])
@pytest.mark.parametrize("form", ["json", "structured", "binary", "csv", "parquet"])
def test_what_kserve_wrote_is_read_back(tmp_path, form, v2):
    config = IngestConfig(**write(tmp_path, CALLS, form=form, v2=v2))
    suffix = Path(config.logs[0]).suffix[1:]
    pieces = [KServe(config).parse(x) for x in logged_records(tmp_path, suffix)]
    requests = {x.request_id: x for x in pieces if type(x) is Request}
    responses = {x.request_id: x for x in pieces if type(x) is Response}
    timed = config.untimed == "dead_letter"
    for call in CALLS:
        request, response = requests.pop(call.request_id), responses.pop(call.request_id)
        assert request.rows == call.rows
        assert response.predictions == call.predictions
        assert response.columns == {"log_model_version": call.model_version}
        assert request.time == (call.time if timed else None)
        assert response.time == (call.time + LATENCY if timed else None)
    assert not requests
    assert not responses


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["request", "response", REQUEST["bytes"], REQUEST["occurrenceTime"]]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*REQUEST, "instances", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.dictionaries(
    st.sampled_from(["instances", "inputs", "predictions", "outputs", "data", "model_version"]),
    json_values | st.just([{"a": 1}]) | st.just([0.5]),
    max_size=3,
)
blobs = st.builds(
    lambda side, body, change: {**record(side, body), **change},
    st.sampled_from([f"org.kubeflow.serving.inference.{x}" for x in ("request", "response")]),
    st.just({"instances": [{"a": 1}], "predictions": [0.5]}) | bodies,
    st.just({}) | st.dictionaries(st.sampled_from([*REQUEST, "endpoint"]), json_values, max_size=2),
)
events = st.builds(
    lambda change, form: event({**log_requests(CALLS[0])[0], **change}, form) | change,
    st.dictionaries(st.sampled_from(["data", "data_base64", "time", "headers"]), json_values),
    st.sampled_from(["binary", "structured"]),
)


@given(blobs | events | json_values, st.sampled_from([[], ["a"]]))
def test_whatever_is_logged_nothing_but_malformed_is_raised(logged, names):
    parser = kserve(feature_names=names)
    with contextlib.suppress(Malformed):
        parser.parse(json.dumps(logged).encode())
    if type(logged) is dict:
        with contextlib.suppress(Malformed):
            parser.parse(logged)


@given(st.binary(max_size=200) | st.builds(lambda x: PAYLOAD + x, st.binary(max_size=20)))
def test_whatever_the_payload_nothing_but_malformed_is_raised(payload):
    for wrapped in (payload, gzip.compress(payload)):
        with contextlib.suppress(Malformed):
            parse({**REQUEST, "bytes": base64.b64encode(wrapped).decode()}, feature_names=IRIS)
