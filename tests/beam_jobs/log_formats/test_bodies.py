"""Bodies by hand from the definitions of V1, of the Open Inference Protocol and of Seldon's."""

import base64
import contextlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_formats.bodies import model_version, request_rows, response_scores
from tfx_vigil.beam_jobs.log_values import Malformed

COLUMNS = {
    "id": "r-42",
    "inputs": [
        {"name": "age", "shape": [2, 1], "datatype": "INT64", "data": [41, 29]},
        {"name": "country", "shape": [2, 1], "datatype": "BYTES", "data": ["CH", "DE"]},
        {"name": "pair", "shape": [2, 2], "datatype": "FP32", "data": [[1, 2], [3, 4]]},
        {"name": "member", "shape": [2], "datatype": "BOOL", "data": [True, None]},
    ],
}
OUTPUTS = {
    "model_name": "credit",
    "model_version": "3",
    "id": "r-42",
    "outputs": [
        {"name": "proba", "shape": [2, 1], "datatype": "FP32", "data": [0.125, 0.75]},
        {"name": "logits", "shape": [2, 2], "datatype": "FP32", "data": [1, 2, 3, 4]},
    ],
}


def matrix(data, shape=(2, 2), **fields):
    tensor = {"name": "x", "shape": list(shape), "datatype": "FP32", "data": data, **fields}
    return {"inputs": [tensor]}


def test_v1_instances_are_rows_as_they_are():
    instances = [{"age": 41, "email": "a@example.org"}, {"age": None, "tags": ["a"], "o": {}}]
    assert request_rows({"instances": instances}, []) == instances
    assert request_rows({"instances": []}, []) == []


@pytest.mark.parametrize("instances", [[[1, "x"], [2, None]], [[1, "x"], {"a": 2, "b": None}]])
def test_v1_instances_without_names_get_them_by_position(instances):
    rows = request_rows({"instances": instances}, ["a", "b"])
    assert rows == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]


def test_v1_instances_may_be_scalars():
    assert request_rows({"instances": ["good", "bad"]}, ["text"]) == [
        {"text": "good"},
        {"text": "bad"},
    ]


def test_v2_tensors_are_columns():
    assert request_rows(COLUMNS, ["unused"]) == [
        {"age": 41, "country": "CH", "pair": [1, 2], "member": True},
        {"age": 29, "country": "DE", "pair": [3, 4], "member": None},
    ]


@pytest.mark.parametrize("data", [[[1, 2], [3, 4]], [1, 2, 3, 4], [[[1], [2]], [[3], [4]]]])
def test_the_columns_of_one_v2_matrix_are_named(data):
    assert request_rows(matrix(data), ["a", "b"]) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]
    assert request_rows(matrix(data), []) == [{"x": [1, 2]}, {"x": [3, 4]}]


def test_one_v2_column_is_named_too_unless_it_is_a_data_frames():
    body = matrix([1, 2], [2, 1])
    assert request_rows(body, ["a"]) == [{"a": 1}, {"a": 2}]
    for content_type in ("pd", {"stringParam": "pd"}):
        frame = {**body, "parameters": {"content_type": content_type}}
        assert request_rows(frame, ["a"]) == [{"x": 1}, {"x": 2}]


def test_empty_v2_tensors_are_no_rows():
    assert request_rows(matrix([], [0, 4]), ["a"]) == []


def test_mlservers_content_types_say_what_texts_mean():
    encoded = [base64.b64encode(b"CH").decode(), "no base64", "/w==", None]
    body = matrix(encoded, [4], datatype="BYTES", parameters={"content_type": "base64"})
    assert [row["x"] for row in request_rows(body, [])] == ["CH", "no base64", "/w==", None]
    texts = ['{"a":1}', "null", None, "[1,2]"]
    body = matrix(texts, [4], datatype="BYTES", parameters={"content_type": "pd_json"})
    assert [row["x"] for row in request_rows(body, [])] == [{"a": 1}, None, None, [1, 2]]
    body = {**matrix(encoded, [4], datatype="BYTES"), "parameters": {"content_type": "base64"}}
    assert request_rows(body, [])[0] == {"x": "CH"}
    body = matrix(encoded, [4], datatype="BYTES", parameters={"content_type": "str"})
    assert request_rows(body, [])[0] == {"x": encoded[0]}


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ({"names": ["a", "b"], "ndarray": [[1, "x"], [2, "y"]]}, [[1, "x"], [2, "y"]]),
        (
            {"names": ["a", "b"], "tensor": {"shape": [2, 2], "values": [1, 2, 3, 4]}},
            [[1, 2], [3, 4]],
        ),
        ({"names": ["a"], "tensor": {"shape": [2, 1], "values": [1, 2]}}, [[1], [2]]),
    ],
)
def test_seldons_rows_name_their_columns(data, rows):
    expected = [dict(zip(data["names"], row, strict=True)) for row in rows]
    assert request_rows({"data": data}, ["other"]) == expected


def test_seldons_rows_without_names_get_them_by_position():
    for names in ({}, {"names": []}, {"names": ["t:0"]}):
        data = {**names, "ndarray": [[1, 2], {"a": 3}]}
        assert request_rows({"data": data}, ["a", "b"]) == [{"a": 1, "b": 2}, {"a": 3}]


@pytest.mark.parametrize(
    ("body", "name", "expected"),
    [
        ({"predictions": [1, 0.5]}, None, [1.0, 0.5]),
        ({"predictions": [[0.25, 0.75]]}, None, [[0.25, 0.75]]),
        ({"predictions": [{"score": 0.5, "label": "yes"}]}, "score", [0.5]),
        ({"predictions": [{"score": 0.5}]}, None, [0.5]),
        ({"predictions": []}, None, []),
        (OUTPUTS, "proba", [0.125, 0.75]),
        (OUTPUTS, "logits", [[1.0, 2.0], [3.0, 4.0]]),
        ({"outputs": OUTPUTS["outputs"][:1]}, None, [0.125, 0.75]),
        ({"data": {"names": ["no", "yes"], "ndarray": [[0.25, 0.75]]}}, None, [[0.25, 0.75]]),
        ({"data": {"names": ["no", "yes"], "ndarray": [[0.25, 0.75]]}}, "yes", [0.75]),
        ({"data": {"ndarray": [0, 1]}}, None, [0.0, 1.0]),
    ],
)
def test_predictions(body, name, expected):
    assert response_scores(body, name) == expected


def test_a_model_version_may_be_unsaid():
    for body in ({}, {"model_version": None}, {"model_version": ""}):
        assert model_version(body) is None
    assert model_version({"model_version": 3}) == "3"


def tensors(*shapes):
    return {
        "inputs": [
            {"name": f"t{n}", "shape": shape, "data": [0] * size}
            for n, (shape, size) in enumerate(shapes)
        ]
    }


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, "missing:instances"),
        ({"instances": None}, "missing:instances"),
        ({"instances": {}}, "bad_value:instances"),
        ({"instances": [[1, 2]]}, "bad_value:feature_names"),
        ({"instances": [{"a": 1}, 5]}, "bad_value:feature_names"),
        ({"inputs": None}, "missing:inputs"),
        ({"inputs": []}, "bad_value:inputs"),
        ({"inputs": [5]}, "bad_value:inputs"),
        ({"inputs": [{"shape": [1], "data": [1]}]}, "missing:name"),
        ({"inputs": [{"name": "a", "shape": [1]}]}, "missing:data"),
        ({"inputs": [{"name": "a", "data": [1]}]}, "missing:shape"),
        ({"inputs": [{"name": "a", "shape": [1], "data": {}}]}, "bad_value:inputs"),
        ({"inputs": tensors(([1], 1))["inputs"] * 2}, "bad_value:inputs"),
        (tensors(([1], 1), ([2], 2)), "bad_value:inputs"),
        (tensors(([], 1)), "bad_value:inputs"),
        (tensors(([3], 2)), "bad_value:inputs"),
        (tensors(([10**12, 0], 0)), "bad_value:inputs"),
        (tensors(([-1, -2], 2)), "bad_value:inputs"),
        (tensors(([2, "1"], 2)), "bad_value:inputs"),
        (tensors(([2.5], 2)), "bad_value:inputs"),
        (tensors(([1] * 100_000, 2)), "bad_value:inputs"),
        (tensors((5, 2)), "bad_value:inputs"),
        (matrix(["{"], [1], parameters={"content_type": "pd_json"}), "bad_value:inputs"),
        ({"data": 5}, "bad_value:data"),
        ({"data": {}}, "missing:ndarray"),
        ({"data": {"ndarray": 5}}, "bad_value:data"),
        ({"data": {"tensor": {"shape": [3], "values": [1]}}}, "bad_value:data"),
        ({"data": {"names": ["a"], "ndarray": [[1, 2]]}}, "bad_value:feature_names"),
    ],
)
def test_malformed_requests_say_which_field(body, reason):
    with pytest.raises(Malformed) as error:
        request_rows(body, [])
    assert error.value.reason == reason


@pytest.mark.parametrize(
    ("body", "name", "reason"),
    [
        ({}, None, "missing:predictions"),
        ({"predictions": 5}, None, "bad_value:predictions"),
        ({"predictions": ["cat"]}, None, "bad_value:prediction"),
        ({"predictions": [0.5, None]}, None, "bad_value:prediction"),
        ({"predictions": [float("inf")]}, None, "bad_value:prediction"),
        ({"predictions": [{"score": 0.5, "label": 1}]}, None, "bad_value:prediction"),
        (OUTPUTS, None, "missing:prediction"),
        (OUTPUTS, "score", "missing:prediction"),
        ({"outputs": OUTPUTS["outputs"][:1]}, "score", "missing:prediction"),
        ({"data": {"names": ["no"], "ndarray": [[0.5]]}}, "yes", "missing:prediction"),
        ({"data": {"ndarray": [[0.5]]}}, "yes", "missing:prediction"),
    ],
)
def test_malformed_responses_say_which_field(body, name, reason):
    with pytest.raises(Malformed) as error:
        response_scores(body, name)
    assert error.value.reason == reason


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.data())
def test_flat_and_nested_data_are_the_same_rows(shape, data):
    size = math.prod(shape)
    flat = nested = data.draw(st.lists(scalars, min_size=size, max_size=size))
    for n in reversed(shape[1:]):
        nested = [nested[i : i + n] for i in range(0, len(nested), n)]
    rows = request_rows(matrix(flat, shape), [])
    assert repr(request_rows(matrix(nested, shape), [])) == repr(rows)
    assert len(rows) == shape[0]


words = "instances inputs predictions outputs data name names shape tensor ndarray values"
words += " parameters content_type pd_json base64 model_version"
names = st.sampled_from(words.split())
anything = st.recursive(
    scalars | names | st.sampled_from([1, 2, 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(names, anything, max_size=4), st.sampled_from([[], ["a"], ["a", "b"]]))
def test_whatever_a_body_says_nothing_but_malformed_is_raised(body, feature_names):
    body = json.loads(json.dumps(body))
    for name in (None, "score"):
        with contextlib.suppress(Malformed):
            response_scores(body, name)
    with contextlib.suppress(Malformed):
        model_version(body)
    with contextlib.suppress(Malformed):
        assert all(type(row) is dict for row in request_rows(body, feature_names))
