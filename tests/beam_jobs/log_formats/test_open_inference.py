"""Records by hand from the definitions of the protocol, of MLServer's headers and of Seldon's."""

import base64
import contextlib
import json
import zlib

import numpy as np
import pytest
from google.protobuf.json_format import MessageToJson
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.log_formats.contract import Request, Response
from tfx_vigil.beam_jobs.log_formats.open_inference import OpenInference
from tfx_vigil.beam_jobs.log_values import Malformed

from .calls import Call
from .grpc_messages import messages
from .open_inference_writer import write

TIME = 1_787_306_400_123_000
ISO = "2026-08-21T10:00:00.123Z"
REQUEST = {
    "id": "r-42",
    "inputs": [
        {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [41, 29]},
        {"name": "country", "shape": [2, 1], "datatype": "BYTES", "data": ["CH", "DE"]},
    ],
    "outputs": [{"name": "proba"}],
}
RESPONSE = {
    "model_name": "credit",
    "model_version": "3",
    "id": "r-42",
    "outputs": [{"name": "proba", "shape": [2, 1], "datatype": "FP32", "data": [0.125, 0.75]}],
}
ROWS = [{"age": 41, "country": "CH"}, {"age": 29, "country": "DE"}]
SCORES = [0.125, 0.75]
HEADERS = {
    "Ce-Specversion": "0.3",
    "Ce-Source": "io.seldon.serving.deployment.mlserver",
    "Ce-Type": "io.seldon.serving.inference.request",
    "Ce-Modelid": "credit",
    "Ce-Inferenceservicename": "mlserver",
    "Ce-Endpoint": "credit",
    "Ce-Id": "r-42",
    "Ce-Requestid": "r-42",
}
CALLS = [
    Call(f"r-{n}", TIME + n * 1000, "7", [{"age": 41.5, "country": "CH"}] * n, [0.5] * n)
    for n in range(1, 6)
]


def parse(record, **config):
    parser = OpenInference(IngestConfig(format="open_inference", logs="x", **config))
    return parser.parse(record if type(record) is bytes else json.dumps(record).encode())


def test_a_bare_request():
    raw = json.dumps(REQUEST).encode()
    assert parse(raw) == Request("r-42", None, ROWS, zlib.crc32(raw))


def test_a_bare_response():
    raw = json.dumps(RESPONSE).encode()
    columns = {"log_model_version": "3"}
    assert parse(raw) == Response("r-42", None, SCORES, zlib.crc32(raw), columns)


def test_a_request_needs_no_id_and_a_response_does():
    assert parse({**REQUEST, "id": None}).request_id is None
    with pytest.raises(Malformed, match=r"^missing:id$"):
        parse({**RESPONSE, "id": ""})


@pytest.mark.parametrize("key", ["time", "timestamp"])
@pytest.mark.parametrize("time", [ISO, TIME // 1000, TIME])
def test_a_time_may_lie_beside_a_body(key, time):
    assert parse({**REQUEST, key: time}).time == TIME
    assert parse({**RESPONSE, key: time}).time == TIME


def test_mlservers_headers():
    headers = {**HEADERS, "Ce-Time": ISO}
    request = parse({**REQUEST, "id": None, "parameters": {"headers": headers}})
    assert (request.request_id, request.time, request.rows) == ("r-42", TIME, ROWS)
    assert request.columns == {"log_endpoint": "credit"}
    headers = {**HEADERS, "Ce-Type": "io.seldon.serving.inference.response"}
    response = parse({**RESPONSE, "parameters": {"headers": headers}})
    assert (response.request_id, response.time, response.predictions) == ("r-42", None, SCORES)


def test_an_event_of_seldon_is_known_by_the_id_of_its_request():
    headers = {name.lower(): value for name, value in HEADERS.items()}
    headers |= {"ce-id": "6a572f54", "ce-time": ISO, "ce-endpoint": "predictor"}
    body = json.dumps({"data": {"names": ["a", "b"], "ndarray": [[2, 1]]}})
    dumped = {"path": "/", "headers": headers, "method": "POST", "body": body, "json": {}}
    columns = {"log_endpoint": "predictor"}
    digest = zlib.crc32(body.encode())
    assert parse(dumped) == Request("r-42", TIME, [{"a": 2, "b": 1}], digest, columns)


def test_an_event_in_structured_mode():
    event = {"specversion": "1.0", "id": "r-1", "time": ISO, "source": "x"}
    request = parse({**event, "type": "io.seldon.serving.inference.request", "data": REQUEST})
    assert (request.request_id, request.time, request.rows) == ("r-1", TIME, ROWS)
    response = parse({**event, "type": "io.seldon.serving.inference.response", "data": RESPONSE})
    assert (response.request_id, response.predictions) == ("r-1", SCORES)
    assert response.columns == {"log_model_version": "3"}


@pytest.mark.parametrize("wrap", [lambda body: body, json.dumps])
def test_a_pair_is_a_request_with_its_predictions(wrap):
    pair = {"time": ISO, "request": wrap(REQUEST), "response": wrap(RESPONSE)}
    raw = json.dumps(pair).encode()
    columns = {"log_endpoint": "credit", "log_model_version": "3"}
    assert parse(raw) == Request("r-42", TIME, ROWS, zlib.crc32(raw), columns, SCORES)


def test_a_pairs_id_is_the_records_before_the_bodies():
    pair = {"request": {**REQUEST, "id": None}, "response": RESPONSE}
    assert parse(pair).request_id == "r-42"
    assert parse({**pair, "id": 7}).request_id == "7"
    unanswered = parse({"request": REQUEST, "response": None})
    assert (unanswered.predictions, unanswered.columns) == (None, {})


def test_v1_bodies_are_read_too():
    pair = {"request": {"instances": [[1]]}, "response": {"predictions": [0.5]}}
    request = parse(pair, feature_names=["a"])
    assert (request.rows, request.predictions) == ([{"a": 1}], [0.5])
    assert parse({"instances": [{"a": 1}], "id": "r"}).rows == [{"a": 1}]
    assert parse({"predictions": [0.5], "id": "r"}).predictions == [0.5]


def test_grpc_with_typed_contents_is_what_protobuf_makes_of_it():
    request = messages()["ModelInferRequest"](model_name="credit", model_version="2", id="r-42")
    typed = {
        "BOOL": {"bool_contents": [True, False]},
        "INT8": {"int_contents": [-1, 0]},
        "INT64": {"int64_contents": [-(2**62), 1]},
        "UINT16": {"uint_contents": [1, 2]},
        "UINT64": {"uint64_contents": [2**63, 0]},
        "FP32": {"fp32_contents": [0.5, float("nan")]},
        "FP64": {"fp64_contents": [1e300, float("-inf")]},
        "BYTES": {"bytes_contents": ["é".encode(), b"\xff"]},
    }
    for datatype, contents in typed.items():
        tensor = {"name": datatype, "datatype": datatype, "shape": [2, 1], "contents": contents}
        request.inputs.add(**tensor)
    for original in (False, True):
        read = parse(MessageToJson(request, preserving_proto_field_name=original).encode())
        assert (read.request_id, read.time) == ("r-42", None)
        assert read.columns == {"log_endpoint": "credit", "log_model_version": "2"}
        assert [list(row.values()) for row in read.rows] == [
            [True, -1, -(2**62), 1, 2**63, 0.5, 1e300, "é"],
            [False, 0, 1, 2, 0, None, float("-inf"), "/w=="],
        ]


def test_grpc_with_raw_contents():
    response = messages()["ModelInferResponse"](model_name="credit", model_version="3", id="r-42")
    for name in ("label", "proba"):
        response.outputs.add(name=name, datatype="FP32", shape=[2, 2])
        response.raw_output_contents.append(np.arange(4, dtype="<f4").tobytes())
    for original in (False, True):
        logged = MessageToJson(response, preserving_proto_field_name=original).encode()
        read = parse(logged, prediction="proba")
        assert read.predictions == [[0.0, 1.0], [2.0, 3.0]]
        assert (read.request_id, read.columns) == ("r-42", {"log_model_version": "3"})


def test_grpc_leaves_out_what_is_empty():
    empty = {"modelName": "m", "inputs": [{"name": "a", "datatype": "FP32", "shape": ["0"]}]}
    assert parse(empty).rows == []
    plain = {"name": "a", "shape": [1], "contents": {"fp32_contents": [], "int_contents": [5]}}
    assert parse({"inputs": [plain]}).rows == [{"a": 5}]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"[]", "not_json"),
        (b"{", "not_json"),
        ({}, "missing:inputs"),
        ({"id": {}, "inputs": REQUEST["inputs"]}, "bad_value:id"),
        ({**REQUEST, "time": "noon"}, "bad_time:time"),
        ({**REQUEST, "parameters": {"headers": {"Ce-Type": "ping"}}}, "bad_value:type"),
        ({**RESPONSE, "model_version": []}, "bad_value:model_version"),
        ({"request": None}, "missing:request"),
        ({"request": "{", "response": {}}, "bad_value:request"),
        ({"request": REQUEST, "response": 5}, "bad_value:response"),
        ({"request": REQUEST, "response": {"predictions": [1]}}, "prediction_count"),
        ({"headers": HEADERS}, "missing:data"),
        ({"headers": {**HEADERS, "Ce-Type": ""}, "body": "{}"}, "bad_value:type"),
        ({"headers": HEADERS, "body": "{}"}, "missing:instances"),
        ({"modelName": "m", "inputs": [5]}, "bad_value:inputs"),
        ({"modelName": "m", "inputs": [{"name": "a", "shape": ["x"]}]}, "bad_value:inputs"),
        (
            {"rawInputContents": ["AAAA", "AAAA"], "inputs": [{"name": "a", "shape": ["1"]}]},
            "bad_value:inputs",
        ),
        (
            {"rawInputContents": ["!"], "inputs": [{"name": "a", "shape": ["1"]}]},
            "bad_value:inputs",
        ),
        ({"inputs": [{"name": "a", "shape": [1], "contents": {"x": 5}}]}, "bad_value:inputs"),
    ],
)
def test_malformed_records_say_which_field(record, reason):
    with pytest.raises(Malformed) as error:
        parse(record)
    assert error.value.reason == reason


@pytest.mark.parametrize("form", ["bodies", "mlserver", "events", "pairs", "grpc"])
def test_what_was_written_is_read_back(tmp_path, form):
    config = IngestConfig(**write(tmp_path, CALLS, form=form))
    parser = OpenInference(config)
    lines = [line for path in tmp_path.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    requests, answers = {}, {}
    for piece in map(parser.parse, lines):
        if type(piece) is Request:
            requests[piece.request_id] = piece
        if piece.predictions is not None:
            answers[piece.request_id] = piece
    assert len(requests) == len(answers) == len(CALLS)
    for call in CALLS:
        request, answer = requests[call.request_id], answers[call.request_id]
        assert request.rows == call.rows
        assert answer.predictions == call.predictions
        assert answer.columns["log_model_version"] == call.model_version
        assert request.time == answer.time == (None if config.untimed == "window" else call.time)


words = (
    "request response inputs outputs contents rawInputContents raw_output_contents int64Contents"
)
words += " headers Ce-Type Ce-Id parameters data shape name id time specversion type modelName body"
names = st.sampled_from(words.split())
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | names
    | st.just("AAAA"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(
    st.dictionaries(names, anything, max_size=4),
    st.sampled_from([{}, REQUEST, RESPONSE, {"headers": HEADERS}, {"request": REQUEST}]),
)
def test_whatever_is_logged_nothing_but_malformed_is_raised(change, base):
    with contextlib.suppress(Malformed):
        parse({**base, **change})
    if base.get("inputs"):
        tensors = [{**tensor, **change} for tensor in base["inputs"]]
        with contextlib.suppress(Malformed):
            parse({**base, "inputs": tensors})


@given(st.binary(max_size=30))
def test_raw_contents_of_any_bytes_raise_nothing_but_malformed(raw):
    tensor = {"name": "a", "shape": ["2"], "datatype": "BYTES"}
    encoded = base64.b64encode(raw).decode()
    with contextlib.suppress(Malformed):
        parse({"inputs": [tensor], "rawInputContents": [encoded]})
