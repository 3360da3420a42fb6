"""Columns of JSON values, against the same rules applied value by value."""

import math

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.log_columns import (
    ColumnKind,
    resolve_kinds,
    to_array,
    to_batch,
    to_columns,
    to_flat_batch,
)
from tfx_vigil.beam_jobs.log_values import Malformed, cast, features, kind_of, widest

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.dictionaries(st.text(max_size=3), st.integers(-9, 9), max_size=2)
)
values = st.recursive(scalars, lambda each: st.lists(each, max_size=3), max_leaves=5)
alike = st.one_of(
    *(
        st.lists(st.none() | each, max_size=8)
        for each in (
            st.booleans(),
            st.integers(-(2**64), 2**64),
            st.floats(allow_nan=False),
            st.integers(-9, 9) | st.floats(-9, 9),
            st.text(max_size=5),
            st.lists(st.integers(-9, 9) | st.floats(allow_nan=False), max_size=3),
        )
    )
)
kinds = st.sampled_from([None, "int", "float", "string"])


def one_by_one(column, kind):
    """What ``features`` makes of each value, and which of them do not fit."""
    typed, misfits = [], []
    for i, value in enumerate(column):
        try:
            typed.append(features({"x": value}, {"x": kind} if kind else {}).get("x"))
        except Malformed:
            typed.append(None)
            misfits.append(i)
    found = {kind_of(x) for v in typed if v is not None for x in (v if type(v) is list else [v])}
    if not found:
        return [None] * len(column), misfits
    target = kind or widest(found)
    is_list = any(type(v) is list for v in typed)
    cells = [
        v if v is None else [cast(x, target) for x in (v if type(v) is list else [v])]
        for v in typed
    ]
    return [v if v is None or is_list else v[0] for v in cells], misfits


@given(alike | st.lists(values, max_size=8), kinds)
@example([0, False, "a"], None)
def test_a_column_is_what_its_values_are_one_by_one(column, kind):
    array, misfits = to_array(column, kind)
    expected, expected_misfits = one_by_one(column, kind)
    assert ([None] * len(column) if array is None else array.to_pylist()) == expected
    assert misfits == expected_misfits


def test_nan_is_a_missing_value_and_an_infinity_none_at_all():
    array, misfits = to_array([1.0, math.nan, math.inf, 2, None], None)
    assert (array.to_pylist(), misfits) == ([1.0, None, None, 2.0, None], [2])
    array, misfits = to_array(["a", math.nan], None)
    assert (array.to_pylist(), misfits) == (["a", None], [])


def test_text_that_utf8_cannot_hold_is_a_misfit():
    array, misfits = to_array(["a", "\ud800"], None)
    assert (array.to_pylist(), misfits) == (["a", None], [1])


def test_misfits_name_only_what_is_declared():
    columns = to_columns({"jane@example.org": [[None]], "x": [3]}, {"x": "int"})
    assert columns.misfits == {0: "bad_value"}
    assert to_columns({"x": ["a"]}, {"x": "int"}).misfits == {0: "bad_value:x"}
    assert to_columns({"label": [None, 1]}, {}).misfits == {1: "reserved_name:label"}


FOUND = [
    ("a", ColumnKind("float", False)),
    ("a", ColumnKind("int", True)),
    ("b", ColumnKind("string", False)),
    ("b", ColumnKind("float", False)),
]


def test_a_column_of_several_types_is_the_widest_in_every_batch():
    found = resolve_kinds(FOUND, {})
    first = to_batch({"a": pa.array([1]), "b": pa.array([8001.0])}, found)
    second = to_batch({"a": pa.array([2.5, None]), "b": pa.array(["x", "y"])}, found)
    assert first.schema == second.schema
    assert first.to_pydict() == {"a": [[1.0]], "b": [[b"8001"]]}
    assert second.to_pydict()["a"] == [[2.5], None]


def test_flat_batches_have_every_column_and_lists_only_where_some_row_has_one():
    found = resolve_kinds(FOUND, {"c": "int"})
    batch = to_flat_batch({"a": pa.array([2.5]), "log_row": pa.array([0])}, found)
    assert set(batch.schema.names) == found.keys()
    assert batch.schema.field("a").type == pa.large_list(pa.float32())
    assert batch.schema.field("b").type == pa.large_string()
    assert batch.to_pydict()["c"] == [None]


@pytest.mark.parametrize("kind", ["int", "float", "string"])
def test_a_declared_column_keeps_its_kind_whatever_is_found(kind):
    found = resolve_kinds([("a", ColumnKind("string", False))], {"a": kind})
    assert found["a"].kind == kind
