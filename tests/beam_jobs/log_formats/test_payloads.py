"""Payloads as they go over the wire; binary tensors by the protocol's binary data extension."""

import base64
import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from tfx_vigil.beam_jobs.log_formats import payloads
from tfx_vigil.beam_jobs.log_formats.bodies import request_rows, response_scores
from tfx_vigil.beam_jobs.log_formats.payloads import from_base64, load
from tfx_vigil.beam_jobs.log_values import Malformed

DATATYPES = {
    "BOOL": "?",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}


def binary(*tensors, field="inputs"):
    """tensors: name, datatype, shape and raw bytes, or in place of these a list of JSON data."""
    described, tail = [], b""
    for name, datatype, shape, data in tensors:
        tensor = {"name": name, "datatype": datatype, "shape": shape}
        if type(data) is bytes:
            tensor["parameters"] = {"binary_data_size": len(data)}
            tail += data
        else:
            tensor["data"] = data
        described.append(tensor)
    return json.dumps({"id": "é", field: described}, ensure_ascii=False).encode() + tail


def test_binary_tensors_follow_the_json_in_order():
    body = load(
        binary(
            ("age", "INT64", [2, 1], np.array([41, -1], "<i8").tobytes()),
            ("hour", "FP32", [2, 1], [0.5, 1.5]),
            ("country", "BYTES", [2, 1], b"\2\0\0\0CH\3\0\0\0\xc3\xa9!"),
        ),
        "bytes",
    )
    assert body["id"] == "é"
    assert request_rows(body, []) == [
        {"age": 41, "hour": 0.5, "country": "CH"},
        {"age": -1, "hour": 1.5, "country": "é!"},
    ]


def test_binary_outputs():
    raw = np.array([[0.25, 0.75]], "<f4").tobytes()
    body = load(binary(("p", "FP32", [1, 2], raw), field="outputs"), "bytes")
    assert response_scores(body, None) == [[0.25, 0.75]]


def test_nan_is_a_missing_value_and_bytes_that_are_no_text_are_base64():
    raw = np.array([np.nan, np.inf, 1.5], "<f2").tobytes()
    body = load(binary(("a", "FP16", [3], raw), ("b", "BYTES", [1], b"\1\0\0\0\xff")), "bytes")
    assert [tensor["data"] for tensor in body["inputs"]] == [[None, float("inf"), 1.5], ["/w=="]]


def test_bfloat16_is_the_upper_half_of_a_float32():
    raw = (np.array([1.5, -2.0], "<f4").view("<u4") >> 16).astype("<u2").tobytes()
    assert load(binary(("a", "BF16", [2], raw)), "bytes")["inputs"][0]["data"] == [1.5, -2.0]


@pytest.mark.parametrize("datatype", DATATYPES)
@settings(max_examples=20)
@given(data=st.data())
def test_a_binary_tensor_of_any_type_is_what_was_sent(datatype, data):
    array = data.draw(npst.arrays(DATATYPES[datatype], npst.array_shapes(max_dims=3, max_side=3)))
    payload = binary(("t", datatype, list(array.shape), array.tobytes()))
    (tensor,) = load(gzip.compress(payload), "bytes")["inputs"]
    read = np.array([np.nan if x is None else x for x in tensor["data"]], array.dtype)
    np.testing.assert_array_equal(read.reshape(array.shape), array)


def test_nan_and_gzip():
    assert load(b'{"a": NaN, "b": [Infinity]}', "bytes") == {"a": None, "b": [float("inf")]}
    assert load(gzip.compress(b'{"a": 1}'), "bytes") == {"a": 1}


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[1]",
        b"5",
        b"\xff",
        b'{"a": "\xff"}',
        b'{"a": NaN, "b": "\\ud800"}',
        b'{"a": 1} x',
        b'{"inputs": []} x',
        b'{"inputs": 5} x',
        binary(("t", "FP32", [2], b"12345678"))[:-1],
        binary(("t", "FP32", [2], b"12345678")) + b"x",
        binary(("t", "FP32", [2], b"1234567")),
        binary(("t", "FP128", [2], b"12345678")),
        binary(("t", ["FP32"], [2], b"12345678")),
        binary(("t", "BYTES", [1], b"\2\0\0\0C")),
        binary(("t", "BYTES", [1], b"\2\0")),
        b'{"inputs": [{"parameters": {"binary_data_size": -3}}]}123',
        b'{"inputs": [{"parameters": {"binary_data_size": "3"}}]}123',
        b'{"inputs": [{"parameters": {"binary_data_size": 1e9}}]}123',
        b'{"a":' * 5000 + b"NaN",
        b'{"a":' * 100_000,
        gzip.compress(b'{"a": 1}', mtime=0)[:-4],
        gzip.compress(b'{"a": 1}', mtime=0)[:12],
        b"\x1f\x8b" + bytes(20),
        gzip.compress(gzip.compress(b'{"a": 1}', mtime=0), mtime=0),
    ],
)
def test_what_is_no_object_is_malformed(payload):
    with pytest.raises(Malformed, match=r"^bad_value:body$"):
        load(payload, "body")


def test_a_bomb_does_not_go_off(monkeypatch):
    monkeypatch.setattr(payloads, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(Malformed, match=r"^bad_value:body$"):
        load(gzip.compress(b'{"a": "' + b"x" * 2000 + b'"}'), "body")


@given(st.binary(max_size=60))
def test_base64_of_any_bytes_is_these_bytes(raw):
    assert from_base64(base64.b64encode(raw).decode(), "b") == raw


@given(st.text("QUJD=+/ \n!-é", max_size=16) | st.text(max_size=8))
def test_what_is_read_as_base64_is_all_of_it_base64(text):
    try:
        raw = from_base64(text, "b")
    except Malformed:
        return
    assert base64.b64decode(text, validate=True) == raw


def test_no_text_is_no_base64():
    for value, reason in ((None, "missing:b"), (5, "bad_value:b"), ([], "bad_value:b")):
        with pytest.raises(Malformed) as error:
            from_base64(value, "b")
        assert error.value.reason == reason
