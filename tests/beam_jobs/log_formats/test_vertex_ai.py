"""Rows made by hand from the columns of Vertex AI's request_response_logging table."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.log_formats.vertex_ai import VertexAI
from tfx_vigil.beam_jobs.log_values import Malformed

from .calls import Call
from .logged_records import records_of
from .vertex_ai_writer import row, write, write_avro, write_parquet

TIME = 1_787_133_600_123_456
GOLDEN = {
    "endpoint": "1234567890",
    "deployed_model_id": "987654321",
    "logging_time": "2026-08-19T10:00:00.123456Z",
    "request_id": "5718291038471",
    "request_payload": ['{"country":"CH","cnt_user_engagement":12}'],
    "response_payload": ['{"churned":0.18}'],
}


def parse(record, **config):
    return VertexAI(IngestConfig(format="vertex_ai", logs="x", **config)).parse(record)


def reason(change, **config):
    with pytest.raises(Malformed) as error:
        parse({**GOLDEN, **change}, **config)
    return error.value.reason


@pytest.mark.parametrize("record", [GOLDEN, json.dumps(GOLDEN).encode()])
def test_a_row_of_one_instance(record):
    request = parse(record)
    assert request.rows == [{"country": "CH", "cnt_user_engagement": 12}]
    assert request.predictions == [0.18]
    assert (request.request_id, request.time) == ("5718291038471", TIME)
    assert request.columns == {"log_endpoint": "1234567890", "log_model_version": "987654321"}


def test_the_ith_response_answers_the_ith_request():
    payloads = {
        "request_payload": ['{"a": 1}', '{"a": 2}'],
        "response_payload": ["0.25", '{"scores": [0.5, 0.5]}'],
    }
    request = parse({**GOLDEN, **payloads})
    assert request.rows == [{"a": 1}, {"a": 2}]
    assert request.predictions == [0.25, [0.5, 0.5]]


def test_whole_bodies_and_bare_lists():
    payloads = {
        "request_payload": ['{"instances": [[1, "x"], [2, "y"]], "parameters": {}}', '[3, "z"]'],
        "response_payload": ['{"predictions": [{"p": 1, "q": 2}, {"p": 3}]}', '{"p": 5}'],
    }
    request = parse({**GOLDEN, **payloads}, feature_names=["a", "b"], prediction="p")
    assert request.rows == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}, {"a": 3, "b": "z"}]
    assert request.predictions == [1.0, 3.0, 5.0]


@pytest.mark.parametrize("payload", [None, []])
def test_a_row_without_responses_is_a_call_without_an_answer(payload):
    assert parse({**GOLDEN, "response_payload": payload}).predictions is None


@pytest.mark.parametrize(
    "time",
    [
        "2026-08-19 10:00:00.123456 UTC",
        "2026-08-19T12:00:00.123456+02:00",
        TIME,
    ],
)
def test_times_of_every_export(time):
    assert parse({**GOLDEN, "logging_time": time}).time == TIME


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5718291038471, "5718291038471"),
        (5718291038471.0, "5718291038471"),
        ("5718291038471.000000000", "5718291038471"),
        ("a.b", "a.b"),
        (1.5, "1.500000"),
    ],
)
def test_request_ids_of_every_export(value, expected):
    assert parse({**GOLDEN, "request_id": value}).request_id == expected


@pytest.mark.parametrize(("rate", "weight"), [(0.25, 4.0), (1, 1.0), (0, None), (None, None)])
def test_a_sampling_rate_is_a_weight(rate, weight):
    columns = parse({**GOLDEN, "sampling_rate": rate}).columns
    assert columns.get("log_sampling_weight") == weight


def test_nan_is_a_missing_value():
    assert parse({**GOLDEN, "request_payload": ['{"a": NaN, "b": 1}']}).rows == [
        {"a": None, "b": 1}
    ]


def test_the_digest_is_the_payloads():
    again = {**GOLDEN, "endpoint": "2"}
    other = {**GOLDEN, "response_payload": ['{"churned":0.19}']}
    assert parse(GOLDEN).digest == parse(again).digest != parse(other).digest


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"request_id": None}, "missing:request_id"),
        ({"request_id": float("nan")}, "bad_value:request_id"),
        ({"logging_time": None}, "missing:logging_time"),
        ({"logging_time": "2026-08-19 10:00:00"}, "bad_time:logging_time"),
        ({"request_payload": None}, "missing:request_payload"),
        ({"request_payload": []}, "missing:request_payload"),
        ({"request_payload": "{}"}, "bad_value:request_payload"),
        ({"request_payload": [5]}, "bad_value:request_payload"),
        ({"request_payload": ["no JSON"]}, "bad_value:request_payload"),
        ({"request_payload": ["[1, 2]"]}, "bad_value:feature_names"),
        ({"response_payload": ["no JSON"]}, "bad_value:response_payload"),
        ({"response_payload": ["1", "2"]}, "prediction_count"),
        ({"response_payload": ['"yes"']}, "bad_value:prediction"),
        ({"deployed_model_id": []}, "bad_value:deployed_model_id"),
        ({"sampling_rate": "often"}, "bad_value:sampling_rate"),
    ],
)
def test_malformed_rows_say_which_field(change, expected):
    assert reason(change) == expected


def test_bodies_must_fit_one_by_one_and_not_in_sum():
    payloads = {
        "request_payload": ['{"instances": [{"a": 1}, {"a": 2}]}', '{"a": 3}'],
        "response_payload": ["1", '{"predictions": [2, 3]}'],
    }
    assert reason(payloads) == "prediction_count"


@pytest.mark.parametrize("record", [b"", b"[1]", b'"x"', b"\xff", b"[" * 9999])
def test_what_is_no_object_is_malformed(record):
    with pytest.raises(Malformed, match="not_json"):
        parse(record)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**310)
    | st.floats()
    | st.text()
    | st.sampled_from(["NaN", "[" * 5000, '{"instances": 5}', '{"a": "\\ud800", "b": NaN}']),
    lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(), x, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: json_values | st.lists(json_values.map(json.dumps) | json_values, max_size=3)
            for name in [*GOLDEN, "sampling_rate"]
        },
    )
)
def test_any_row_is_read_or_malformed(change):
    with contextlib.suppress(Malformed):
        parse({**GOLDEN, **change}, feature_names=["a"])
    with contextlib.suppress(Malformed):
        parse(json.dumps({**GOLDEN, **change}).encode())


scores = st.floats(width=32, allow_nan=False, allow_infinity=False)
rows = st.dictionaries(st.text(min_size=1), scores | st.text(), max_size=5)


@settings(deadline=None)
@given(st.lists(st.tuples(rows, scores), min_size=1, max_size=5), st.integers(0, 10**15))
def test_instances_of_any_values_come_back(pairs, milliseconds):
    call = Call("17", milliseconds // 1000 * 1000, "3", *map(list, zip(*pairs, strict=True)))
    request = parse(json.dumps(row(call)).encode(), prediction="score")
    assert (request.rows, request.predictions) == (call.rows, call.predictions)
    assert (request.request_id, request.time) == ("17", call.time)


@pytest.mark.parametrize("writer", [write, write_avro, write_parquet])
def test_the_files_of_the_writer(tmp_path, writer):
    rows = [{"a": 1.5, "b": "ü"}, {"a": 2.5, "b": ""}]
    calls = [
        Call(str(n), TIME // 1000 * 1000, "3", rows, [0.5, 0.75])
        for n in (5718291038471, 2**63 - 1, 2**63 - 2)
    ]
    config = IngestConfig(**writer(tmp_path, calls))
    records = records_of(tmp_path.iterdir(), "vertex_ai")
    for record, call in zip(records, calls, strict=True):
        request = VertexAI(config).parse(record)
        assert (request.rows, request.predictions) == (rows, call.predictions)
        assert (request.request_id, request.time) == (call.request_id, call.time)
        assert request.columns["log_model_version"] == "3"
