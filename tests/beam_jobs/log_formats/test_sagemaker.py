"""Records made by hand from the schema of SageMaker's data capture."""

import base64
import contextlib
import copy
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.log_formats.sagemaker import SageMaker
from tfx_vigil.beam_jobs.log_values import Malformed

from .calls import Call
from .logged_records import records_of
from .sagemaker_writer import record, write

TIME = 1_607_090_241_000_000
GOLDEN = {
    "captureData": {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "0,2020,12,4,31,0,19.0\n",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "text/csv; charset=utf-8",
            "mode": "OUTPUT",
            "data": "-4.902510643005371",
            "encoding": "CSV",
        },
    },
    "eventMetadata": {
        "eventId": "e68592ca-948c-44dd-a764-608934e49534",
        "inferenceId": "order-991",
        "inferenceTime": "2020-12-04T13:57:21Z",
    },
    "eventVersion": "0",
}
NAMES = ["a", "year", "month", "day", "temperature", "b", "hour"]


def parse(logged, **config):
    return SageMaker(IngestConfig(format="sagemaker", logs="x", **config)).parse(logged)


def captured(given, answer=None, encoding="CSV", content_type="text/csv"):
    """A record of bodies, which are JSON texts if they are no texts."""
    logged = copy.deepcopy(GOLDEN)
    sides = {"endpointInput": given, "endpointOutput": answer}
    for field, body in sides.items():
        text = body if type(body) is str else json.dumps(body)
        side = logged["captureData"][field]
        side |= {"data": text, "encoding": encoding, "observedContentType": content_type}
    if answer is None:
        del logged["captureData"]["endpointOutput"]
    return logged


def of_json(given, answer=None, content_type="application/json"):
    return captured(given, answer, "JSON", content_type)


def reason(logged, **config):
    with pytest.raises(Malformed) as error:
        parse(logged, **config)
    return error.value.reason


@pytest.mark.parametrize("logged", [GOLDEN, json.dumps(GOLDEN).encode()])
def test_a_row_of_csv(logged):
    request = parse(logged, feature_names=NAMES)
    assert request.rows == [dict(zip(NAMES, [0, 2020, 12, 4, 31, 0, 19.0], strict=True))]
    assert request.predictions == [-4.902510643005371]
    assert (request.request_id, request.time, request.columns) == ("order-991", TIME, {})


@pytest.mark.parametrize("inference_id", [None, ""])
def test_without_an_inference_id_the_event_id_is_the_request_id(inference_id):
    logged = copy.deepcopy(GOLDEN)
    logged["eventMetadata"]["inferenceId"] = inference_id
    request = parse(logged, feature_names=NAMES)
    assert request.request_id == "e68592ca-948c-44dd-a764-608934e49534"


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["", "{n}"])
def test_several_lines_are_several_rows(newline, end):
    end = end.format(n=newline)
    logged = captured(newline.join(["1,x", "2,y"]) + end, newline.join(["0.5", "0.25"]) + end)
    request = parse(logged, feature_names=["n", "t"])
    assert request.rows == [{"n": 1, "t": "x"}, {"n": 2, "t": "y"}]
    assert request.predictions == [0.5, 0.25]


def test_cells_of_csv():
    text = '1, -2.5e3 ,,nan,007,"a ""b"", c","line\nline", x,5.,' + "9" * 5000
    request = parse(captured(text), feature_names=list("abcdefghij"))
    values = [1, -2500.0, None, None, "007", 'a "b", c', "line\nline", " x", "5.", math.inf]
    assert list(request.rows[0].values()) == values
    assert type(request.rows[0]["a"]) is int


def test_a_line_that_repeats_the_names_is_a_header():
    assert parse(captured("a,b\n1,2\n"), feature_names=["a", "b"]).rows == [{"a": 1, "b": 2}]


@pytest.mark.parametrize(
    ("answer", "name", "expected"),
    [
        ("0.25,0.75\n0.5,0.5\n", None, [[0.25, 0.75], [0.5, 0.5]]),
        ("0.25,0.75\n0.5,0.5\n", "1", [0.75, 0.5]),
        ("yes,0.75\nno,0.5\n", "1", [0.75, 0.5]),
        ("0.25,0.75", None, [0.25, 0.75]),
    ],
)
def test_columns_of_csv_predictions(answer, name, expected):
    """Some containers answer several rows in one line."""
    logged = captured("1\n2\n", answer)
    assert parse(logged, feature_names=["a"], prediction=name).predictions == expected


@pytest.mark.parametrize(
    ("given", "names", "expected"),
    [
        ({"instances": [{"a": 1}, {"a": None}]}, [], [{"a": 1}, {"a": None}]),
        ({"instances": [[1, 2], [3, 4]]}, ["a", "b"], [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ({"instances": [{"features": [1, 2]}]}, ["a", "b"], [{"a": 1, "b": 2}]),
        ({"instances": [{"features": [1, 2]}]}, [], [{"features": [1, 2]}]),
        (
            {"instances": [{"data": {"features": {"values": [1, 2]}}}]},
            ["a", "b"],
            [{"a": 1, "b": 2}],
        ),
        ([[1, 2], [3, 4]], ["a", "b"], [{"a": 1, "b": 2}, {"a": 3, "b": 4}]),
        ([1, 2], ["a", "b"], [{"a": 1, "b": 2}]),
        ([1, 2], ["a"], [{"a": 1}, {"a": 2}]),
        ([{"a": 1}, {"a": 2}], [], [{"a": 1}, {"a": 2}]),
        ({"inputs": "a text", "parameters": 5}, [], [{"inputs": "a text", "parameters": 5}]),
        (
            {"inputs": [{"name": "a", "shape": [2], "datatype": "FP32", "data": [1, 2]}]},
            [],
            [{"a": 1}, {"a": 2}],
        ),
        ("5", ["a"], [{"a": 5}]),
        ('{"a": NaN}', [], [{"a": None}]),
    ],
)
def test_instances_of_json(given, names, expected):
    assert parse(of_json(given), feature_names=names).rows == expected


@pytest.mark.parametrize(
    ("answer", "rows", "name", "expected"),
    [
        ({"predictions": [{"score": 0.5}, {"score": 0.25}]}, 2, "score", [0.5, 0.25]),
        ({"predictions": [{"score": 0.5, "label": 1}]}, 1, "score", [0.5]),
        ({"predictions": [[0.25, 0.75]]}, 1, None, [[0.25, 0.75]]),
        ({"predictions": [[0.25, 0.75]]}, 1, "1", [0.75]),
        ({"predictions": [[0.25]]}, 1, None, [0.25]),
        ([0.5, 0.25], 2, None, [0.5, 0.25]),
        ([0.5, 0.25], 1, None, [[0.5, 0.25]]),
        ([[0.25, 0.75]], 1, None, [[0.25, 0.75]]),
        ([0.5], 1, None, [0.5]),
        ([{"label": "yes", "score": 0.5}], 1, "score", [0.5]),
        ({"score": 0.5, "label": "yes"}, 1, "score", [0.5]),
        ("0.5", 1, None, [0.5]),
        (
            {"outputs": [{"name": "p", "shape": [2], "datatype": "FP32", "data": [1, 2]}]},
            2,
            None,
            [1.0, 2.0],
        ),
    ],
)
def test_predictions_of_json(answer, rows, name, expected):
    logged = of_json({"instances": [{"a": 1}] * rows}, answer)
    assert parse(logged, prediction=name).predictions == expected


@pytest.mark.parametrize("content_type", ["application/jsonlines", "application/x-ndjson;q=1"])
def test_json_lines(content_type):
    logged = of_json('{"a": 1}\n{"a": 2}\n', '{"score": 0.5}\n{"score": 0.25}\n', content_type)
    request = parse(logged, prediction="score")
    assert request.rows == [{"a": 1}, {"a": 2}]
    assert request.predictions == [0.5, 0.25]


@pytest.mark.parametrize(
    ("content_type", "given"),
    [
        ("text/csv; charset=utf-8", "1,2\n3,4\n"),
        ("application/json", '{"instances": [[1, 2], [3, 4]]}'),
        ("application/jsonlines", "[1, 2]\n[3, 4]"),
    ],
)
def test_base64_of_each_content_type(content_type, given):
    text = base64.b64encode(given.encode()).decode()
    logged = captured(text, encoding="BASE64", content_type=content_type)
    request = parse(logged, feature_names=["a", "b"])
    assert request.rows == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def test_a_record_without_output_has_no_predictions():
    assert parse(captured("1\n"), feature_names=["a"]).predictions is None


def test_the_digest_is_the_bodies():
    first, again = captured("1\n", "0.5"), captured("1\n", "0.5", content_type="text/csv;x=1")
    digests = [parse(x, feature_names=["a"]).digest for x in (first, again, captured("1\n", "0.6"))]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["captureData"], None, "missing:captureData"),
        (["captureData"], [], "bad_value:captureData"),
        (["captureData", "endpointInput"], None, "missing:endpointInput"),
        (["captureData", "endpointInput"], 5, "bad_value:endpointInput"),
        (["captureData", "endpointOutput"], "x", "bad_value:endpointOutput"),
        (["captureData", "endpointInput", "data"], None, "missing:data"),
        (["captureData", "endpointInput", "data"], {}, "bad_value:endpointInput"),
        (["captureData", "endpointInput", "data"], '"x', "bad_value:endpointInput"),
        (["captureData", "endpointInput", "data"], "1,2", "bad_value:feature_names"),
        (["captureData", "endpointInput", "encoding"], None, "missing:encoding"),
        (["captureData", "endpointInput", "encoding"], "XML", "bad_value:endpointInput"),
        (["captureData", "endpointInput", "encoding"], "JSON", "bad_value:endpointInput"),
        (["captureData", "endpointInput", "encoding"], "BASE64", "bad_value:endpointInput"),
        (["captureData", "endpointOutput", "data"], "", "prediction_count"),
        (["captureData", "endpointOutput", "data"], "1\n2\n", "prediction_count"),
        (["captureData", "endpointOutput", "data"], "yes", "bad_value:prediction"),
        (["captureData", "endpointOutput", "data"], "nan", "bad_value:prediction"),
        (["eventMetadata"], None, "missing:eventMetadata"),
        (["eventMetadata", "inferenceId"], {"a": 1}, "bad_value:inferenceId"),
        (["eventMetadata", "inferenceTime"], None, "missing:inferenceTime"),
        (["eventMetadata", "inferenceTime"], "noon", "bad_time:inferenceTime"),
    ],
)
def test_malformed_records_say_which_field(path, value, expected):
    logged = copy.deepcopy(GOLDEN)
    *above, last = path
    place = logged
    for name in above:
        place = place[name]
    place[last] = value
    assert reason(logged, feature_names=NAMES) == expected


@pytest.mark.parametrize(
    ("content_type", "data", "expected"),
    [
        ("image/png", b"x", "bad_value:endpointInput.observedContentType"),
        (None, b"1,2", "bad_value:endpointInput.observedContentType"),
        ("text/csv", b"\xff", "bad_value:endpointInput"),
    ],
)
def test_bytes_that_are_no_text_are_malformed(content_type, data, expected):
    text = base64.b64encode(data).decode()
    assert reason(captured(text, encoding="BASE64", content_type=content_type)) == expected


def test_a_column_that_is_not_there_is_missing():
    logged = captured("1\n", "0.5,0.25")
    assert reason(logged, feature_names=["a"], prediction="2") == "missing:prediction"


KEYS = ["instances", "inputs", "predictions", "outputs", "data", "features", "values", "a"]
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**310)
    | st.floats()
    | st.text()
    | st.just("9" * 5000),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(KEYS), x),
    max_leaves=8,
)
sides = json_values | st.fixed_dictionaries(
    {
        "data": st.text() | json_values.map(json.dumps) | json_values,
        "encoding": st.sampled_from(["CSV", "JSON", "BASE64"]) | json_values,
    },
    optional={
        "observedContentType": st.sampled_from(["text/csv", "application/jsonlines"]) | json_values
    },
)


@settings(deadline=None)
@given(sides, sides, json_values, st.sampled_from([None, "a", "1"]))
def test_any_record_is_read_or_malformed(given, answer, event, name):
    logged = {
        "captureData": {"endpointInput": given, "endpointOutput": answer},
        "eventMetadata": GOLDEN["eventMetadata"] | (event if type(event) is dict else {}),
    }
    for x in (logged, json.dumps(logged).encode()):
        with contextlib.suppress(Malformed):
            parse(x, feature_names=["a"], prediction=name)


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)
rows = st.fixed_dictionaries({"n": floats, "t": texts.map(lambda x: x + "~"), "u": floats})


@settings(deadline=None)
@given(
    st.lists(st.tuples(rows, floats), min_size=1, max_size=5),
    st.sampled_from(["CSV", "JSON", "BASE64"]),
)
def test_rows_of_any_values_come_back(pairs, encoding):
    call = Call("17", TIME, "3", *map(list, zip(*pairs, strict=True)))
    logged = json.dumps(record(call, encoding)).encode()
    name = "score" if encoding == "JSON" else None
    request = parse(logged, feature_names=list(call.rows[0]), prediction=name)
    assert (request.rows, request.predictions) == (call.rows, call.predictions)
    assert (request.request_id, request.time) == ("17", TIME)


def test_the_files_of_the_writer(tmp_path):
    call = Call("r1", TIME, "3", [{"a": 1.5, "b": "x"}, {"a": 2.5, "b": "y"}], [0.5, 0.75])
    config = IngestConfig(**write(tmp_path, [call]))
    (logged,) = records_of(tmp_path.rglob("2020/12/04/13/*.jsonl"), "sagemaker")
    request = SageMaker(config).parse(logged)
    assert (request.rows, request.predictions) == (call.rows, call.predictions)
