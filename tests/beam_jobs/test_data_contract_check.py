"""Columns against rules; the reference looks at one value after another."""

import math
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.data_contract import DataContract, FieldRule
from tfx_vigil.beam_jobs.data_contract_check import Contract, find_violations
from tfx_vigil.beam_jobs.data_contract_rules import InvalidContract

NAN, INF = float("nan"), math.inf
VALUES = {
    pa.int64(): st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    pa.float64(): st.floats() | st.sampled_from([0.1, 0.5, 1.0, 2.0, float(np.float32(0.1))]),
    pa.large_string(): st.sampled_from(["", "a", "b", "1", "2", "01", "1.0"]),
}
LIMITS = st.none() | st.integers(-3, 3) | st.sampled_from([0.1, 0.5, 1e39, -1e39, 2**63 - 2])


@pytest.mark.parametrize(
    ("rule", "values", "broken"),
    [
        ({"required": True}, [1.0, None, NAN], [None, "missing", "missing"]),
        ({}, [1.0, None, NAN], [None] * 3),
        ({"required": True}, pa.nulls(2), ["missing"] * 2),
        ({"kind": "int"}, [1, None], [None] * 2),
        ({"kind": "int"}, [1.0, 1.5, None, NAN], [None, "wrong_type", None, None]),
        ({"kind": "int"}, [1e18, 1e19, INF], [None, "wrong_type", "wrong_type"]),
        ({"kind": "int"}, ["1", None], ["wrong_type", None]),
        ({"kind": "float"}, [1, None], [None] * 2),
        ({"kind": "float"}, ["1", None], ["wrong_type", None]),
        ({"kind": "string"}, ["1", None], [None] * 2),
        ({"kind": "string"}, [1, None], [None] * 2),
        ({"kind": "string"}, [1.0, None], ["wrong_type", None]),
        ({"min": 0}, ["1"], ["wrong_type"]),
        ({"min": -1, "max": 1}, [-2, -1, 1, 2], ["out_of_domain", None, None, "out_of_domain"]),
        ({"min": 0.5, "max": 1.5}, [0, 1, 2], ["out_of_domain", None, "out_of_domain"]),
        ({"max": 2**53}, [2**53, 2**53 + 1], [None, "out_of_domain"]),
        ({"max": 1e300}, [2**62], [None]),
        ({"min": 0.1, "max": 0.1}, [0.1, float(np.float32(0.1))], [None, None]),
        ({"max": 0.1}, [0.1001, INF, -INF], ["out_of_domain", "out_of_domain", None]),
        ({"values": ["a", "b"]}, ["a", "c", None], [None, "out_of_domain", None]),
        ({"values": ["a"]}, pa.array(["a", "c"], pa.large_string()), [None, "out_of_domain"]),
        ({"values": [1]}, ["1", "01"], [None, "out_of_domain"]),
        ({"values": ["1", "a"]}, [1, 2], [None, "out_of_domain"]),
        ({"values": [1, 2]}, [1.0, 1.5, None], [None, "out_of_domain", None]),
        ({"values": [10**30, 1]}, [1, 2], [None, "out_of_domain"]),
        ({"min_values": 1, "max_values": 1}, [1, None], [None, None]),
        ({"min_values": 2}, [1, None], ["value_count", None]),
        ({"max_values": 1}, [[1], [1, 2], None, []], [None, "value_count", None, None]),
        ({"min_values": 2, "max_values": 2}, [[1], [1, 2], None], ["value_count", None, None]),
        ({"required": True}, [[1.0], None, []], [None, "missing", "missing"]),
        ({"kind": "int"}, [[1.0, 1.5], [2.0], None], ["wrong_type", None, None]),
        ({"max": 1}, [[], [0, 2], [1, 1], None], [None, "out_of_domain", None, None]),
        ({"values": ["a"]}, [["a", "a"], ["a", "b"]], [None, "out_of_domain"]),
        (
            {"kind": "int", "max": 1, "max_values": 1},
            [[2.5, 0.0]],
            ["wrong_type,out_of_domain,value_count"],
        ),
    ],
)
def test_what_rows_break(rule, values, broken):
    column = values if isinstance(values, pa.Array) else pa.array(values)
    marks = find_violations({"x": column}, {"x": FieldRule(**rule)}, len(column)).marks()
    assert [mark and mark.replace(":x", "") for mark in marks.to_pylist()] == broken


def reference(row, rule):
    """What one row breaks, by value."""
    wanted = rule.kind or ("float" if rule.is_number else None)
    values = row if isinstance(row, list) else [row]
    there = [x for x in values if x is not None and x == x]
    count = len(values) if isinstance(row, list) else len(there)
    if not count:
        return ["missing"] * rule.required
    checks = {
        "wrong_type": any(_is_of_another_type(x, wanted) for x in there),
        "out_of_domain": any(_is_outside(x, wanted, rule) for x in there),
        "value_count": not (rule.min_values or 0) <= count <= (rule.max_values or count),
    }
    return [what for what, is_broken in checks.items() if is_broken]


def _is_of_another_type(value, wanted):
    if isinstance(value, str):
        return wanted not in (None, "string")
    if isinstance(value, float):
        return wanted == "string" or (
            wanted == "int" and not (value.is_integer() and abs(value) < 2**63)
        )
    return False


def _is_outside(value, wanted, rule):
    if isinstance(value, str):
        return wanted in (None, "string") and value not in map(str, rule.values or [value])
    if isinstance(value, float) and wanted == "string":
        return False
    low, high, compared = rule.min, rule.max, value
    if isinstance(value, float):
        with np.errstate(over="ignore"):
            low, high, compared = (x if x is None else np.float32(x) for x in (low, high, value))
    outside = (low is not None and compared < low) or (high is not None and compared > high)
    numbers = [int(x) for x in rule.values or () if str(x).isdecimal() and str(x)[0] != "0"]
    return outside or (rule.values is not None and value not in numbers)


@st.composite
def rules(draw):
    kind = draw(st.sampled_from([None, "int", "float", "string"]))
    low, high = (None, None) if kind == "string" else draw(st.tuples(LIMITS, LIMITS))
    if None not in (low, high):
        low, high = sorted([low, high])
    allowed = st.sampled_from([1, 2, 3, 100])
    if kind == "string" or (kind, low, high) == (None, None, None):
        allowed |= st.sampled_from(["a", "1", "01"])
    return FieldRule(
        kind=kind,
        required=draw(st.booleans()),
        min=low,
        max=high,
        values=draw(st.none() | st.lists(allowed, min_size=1, max_size=3)),
        min_values=draw(st.sampled_from([None, 0, 1, 2])),
        max_values=draw(st.sampled_from([None, 2, 3])),
    )


@st.composite
def columns(draw):
    """Columns, and slices of columns, with the values in them."""
    arrow = draw(st.sampled_from([*VALUES, pa.string()]))
    value = st.none() | VALUES[pa.large_string() if arrow == pa.string() else arrow]
    if draw(st.booleans()):
        value = st.none() | st.lists(value, max_size=3)
        arrow = draw(st.sampled_from([pa.list_, pa.large_list]))(arrow)
    rows, start = draw(st.lists(value, max_size=8)), draw(st.integers(0, 2))
    return rows[start:], pa.array(rows, arrow)[start:]


@given(columns(), rules(), columns(), rules())
def test_columns_break_what_their_values_break_one_by_one(first, first_rule, other, other_rule):
    n = min(len(first[0]), len(other[0]))
    found = find_violations(
        {"x": first[1][:n], "y": other[1][:n]}, {"x": first_rule, "y": other_rule, "z": RULE}, n
    )
    expected = [
        [f"{what}:x" for what in reference(x, first_rule)]
        + [f"{what}:y" for what in reference(y, other_rule)]
        + ["missing:z"]
        for x, y in zip(first[0][:n], other[0][:n], strict=True)
    ]
    assert found.marks().to_pylist() == [",".join(what) for what in expected]
    assert found.reasons() == {row: what[0] for row, what in enumerate(expected)}


RULE = FieldRule(kind="int", required=True)


def contract(on_violation, **fields):
    rules = {"n": RULE, "pay": FieldRule(values=["cash"]), **fields}
    return Contract(DataContract(fields=rules, on_violation=on_violation))


def arrays():
    return {"n": pa.array([1, None, None, 4]), "pay": pa.array(["cash", "cash", None, "gold"])}


def test_rows_that_break_a_contract_are_none_with_the_first_reason():
    columns = arrays()
    found = contract("dead_letter").check(columns, 4, {1: "bad_value:n", 2: "bad_value:zone"})
    assert found == {1: "bad_value:n", 2: "bad_value:zone", 3: "out_of_domain:pay"}
    assert list(columns) == ["n", "pay"]


def test_marked_rows_are_kept_with_all_that_is_wrong():
    columns = arrays()
    found = contract("mark").check(columns, 4, {1: "bad_value:n"})
    assert found == {}
    marks = columns["log_violations"]
    assert marks.type == pa.large_string()
    assert marks.to_pylist() == [None, "wrong_type:n", "missing:n", "out_of_domain:pay"]


def test_what_is_wrong_beside_the_contract_is_not_marked():
    columns = arrays()
    misfits = {0: "bad_value:zone", 1: "bad_value:pay", 2: "bad_value"}
    assert contract("mark").check(columns, 4, misfits) == misfits


def test_good_rows_get_no_column():
    columns = {"n": pa.array([1, 2]), "pay": pa.array(["cash", None])}
    assert contract("mark").check(columns, 2, {}) == {}
    assert contract("dead_letter").check(columns, 2, {}) == {}
    assert list(columns) == ["n", "pay"]


def test_a_contract_declares_types():
    assert contract("mark", fare=FieldRule(kind="float")).kinds == {"n": "int", "fare": "float"}


def test_no_contract_is_never_broken():
    empty = Contract(None)
    assert empty.kinds == {}
    assert empty.check(arrays(), 4, {3: "bad_value"}) == {3: "bad_value"}


def test_features_that_come_with_the_label_are_not_looked_for():
    given = DataContract(fields={"tip": RULE, "n": FieldRule(kind="int")})
    found = Contract(given, elsewhere=["tip"])
    assert found.kinds == {"n": "int"}
    assert found.check(arrays(), 4, {}) == {}


def test_a_contract_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(InvalidContract):
        Contract(DataContract(schema_file="absent"))


def test_a_million_rows_against_twenty_rules():
    n = 1_000_000
    kinds = {
        "float": (pa.array(np.linspace(0, 9, n)), {"min": 0, "max": 9}),
        "int": (pa.array(np.arange(n)), {"min": 0, "max": n}),
        "string": (
            pa.array(np.array(["cash", "card"])[np.arange(n) % 2]).cast(pa.large_string()),
            {"values": ["card", "cash"]},
        ),
    }
    names = [(f"{kind}{i}", kind) for kind in kinds for i in range(7)]
    columns = {name: kinds[kind][0] for name, kind in names}
    rules = {name: FieldRule(kind=kind, required=True, **kinds[kind][1]) for name, kind in names}
    start = time.process_time()
    assert find_violations(columns, rules, n).found == {}
    assert time.process_time() - start < 1.5
