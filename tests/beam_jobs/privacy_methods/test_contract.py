"""What holds for every method, on every type that it accepts."""

from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError
from tfx_vigil.beam_jobs.privacy_methods import (
    AesSiv,
    DateShift,
    FieldPolicy,
    Fpe,
    GeneralizeCategory,
    GeneralizeIp,
    GeneralizeNumber,
    GeneralizePostcode,
    GeneralizeTime,
    HashBucket,
    Hmac,
    Keep,
    Mask,
    Noise,
    Redact,
)
from tfx_vigil.beam_jobs.privacy_methods.contract import (
    Method,
    Pseudonym,
    Reversible,
    RowMethod,
    is_text,
)

from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES

HIERARCHY = str(Path(__file__).with_name("categories.csv"))
POLICY = TypeAdapter(FieldPolicy)
METHODS = [
    Hmac(),
    Hmac(encoding="base32"),
    Redact(),
    GeneralizeNumber(width=10),
    GeneralizeNumber(edges=[0, 10]),
    GeneralizeTime(),
    GeneralizeTime(unit="s"),
    GeneralizeTime(unit="ms", to="month"),
    GeneralizeIp(),
    GeneralizePostcode(),
    GeneralizeCategory(hierarchy=HIERARCHY),
    AesSiv(),
    AesSiv(encoding="base32"),
    Fpe(),
    Fpe(alphabet="alphanumeric", tweak="fields"),
    Mask(keep_last=2),
    DateShift(subject="rider"),
    DateShift(subject="rider", unit="ms"),
    HashBucket(buckets=2**31),
    HashBucket(buckets=2**31, output="text"),
    Noise(epsilon=1, lower=0, upper=100),
    Keep(),
]
REDACTED = ("[REDACTED]", b"[REDACTED]")
TEXTS = [b"a", b"203.0.113.9", b"2024-05-06", b"", b"42", b"4111-1111-1111-1111", b"\xc3\xa9", b" "]
INTEGERS = [pa.int8(), pa.uint8(), pa.int32(), pa.uint32(), pa.uint64()]
TIMES = [pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.timestamp("us")]
VALUES = [
    *(pa.array(TEXTS, pa.binary()).cast(kind) for kind in TEXT_TYPES),
    pa.array([*TEXTS, b"\xff\xfe"], pa.large_binary()),
    *(pa.array([0, 1, 100, 17], kind) for kind in INTEGERS),
    pa.array([0, -1, 2**53, -(2**53), 1_714_998_645_123]),
    *(pa.array([0.0, -1.5, 1e9, 2.0**40], kind) for kind in (pa.float32(), pa.float64())),
    *(pa.array([0, -1, 20_000]).cast(kind) for kind in TIMES),
    pa.array([0, -1, 20_000], pa.date32()),
    pa.array([True, False]),
]


def accepted(method, values):
    try:
        method.validate_type(values.type)
    except ValueError:
        return False
    return True


CASES = [
    pytest.param(method, values, id=f"{method!r} {values.type} {len(values)}")
    for method in METHODS
    for values in VALUES
    if accepted(method, values)
]
ROW_METHODS = [case for case in CASES if isinstance(case.values[0], RowMethod)]
PSEUDONYMS = [case for case in CASES if isinstance(case.values[0], Pseudonym)]


def treat(method, values, keys=KEYS):
    keys = keys if method.is_keyed else None
    if isinstance(method, RowMethod):
        subjects = pa.array(["ada"] * len(values)) if method.subject_field else None
        return method.operate_rows(values, subjects, keys)
    return method.operate(values, keys)


@pytest.mark.parametrize(("method", "values"), CASES)
def test_each_value_gets_one_value_of_a_type_that_the_input_type_fixes(method, values):
    treated = treat(method, values)
    empty = treat(method, values[:0])
    assert len(treated) == len(values)
    assert treated.null_count == 0
    assert len(empty) == 0
    assert empty.type == treated.type
    treated.validate(full=True)


@pytest.mark.parametrize(("method", "values"), CASES)
def test_a_value_is_treated_alike_whatever_stands_beside_it(method, values):
    whole = treat(method, values)
    parts = [treat(method, values[i : i + 1]) for i in range(len(values))]
    assert pa.concat_arrays(parts).equals(whole) or isinstance(method, Noise)


@pytest.mark.parametrize(("method", "values"), ROW_METHODS)
def test_row_methods_leave_nulls_in_their_places(method, values):
    padded = pa.concat_arrays([pa.nulls(1, values.type), values, pa.nulls(1, values.type)])
    treated = treat(method, padded)
    assert [value is None for value in treated.to_pylist()] == [True, *[False] * len(values), True]
    assert treat(method, pa.nulls(3, values.type)).null_count == 3


@pytest.mark.parametrize(("method", "values"), PSEUDONYMS)
def test_pseudonyms_are_told_apart_move_between_versions_and_go_back(method, values):
    mine, theirs, others = (treat(method, values, k) for k in (KEYS, NEXT_KEYS, OTHER_DOMAIN))
    seen = [text for text in mine.to_pylist() if text not in REDACTED]
    assert len({*seen}) == len(seen)
    assert not {*seen} & {*theirs.to_pylist(), *others.to_pylist()}
    label = "v1." if isinstance((seen or [""])[0], str) else b"v1."
    assert not seen or method.is_labelled == all(text.startswith(label) for text in seen)
    assert method.rewrap(mine, KEYS, NEXT_KEYS).equals(theirs)
    if isinstance(method, Reversible):
        raw = values if is_text(values.type) else values.cast(pa.string())
        back = zip(method.reverse(mine, KEYS).to_pylist(), raw.to_pylist(), strict=True)
        assert all(text == value or text in REDACTED for text, value in back)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_method_survives_json_with_its_role_and_says_whether_it_needs_keys(method):
    told = method.model_copy(update={"role": "sensitive"})
    assert POLICY.validate_json(told.model_dump_json()) == told
    keyed = ("hmac", "aes_siv", "fpe", "date_shift", "hash_bucket")
    assert method.is_keyed == (method.method in keyed)
    assert not method.drops_field


@pytest.mark.parametrize("kind", dict.fromkeys(map(type, METHODS)))
def test_a_method_says_what_it_does_and_where_that_is_defined(kind):
    assert kind.__doc__
    assert kind.__doc__ != Method.__doc__
    assert "Reference:" in kind.__doc__ or kind in (Keep, Redact)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_models_learn_from_what_keeps_its_order_or_groups_and_not_from_pseudonyms(method):
    learnable = ("generalize", "hash_bucket", "noise", "date_shift", "keep")
    suits = any(method.suits_feature(kind) for kind in ("float", "int", "string"))
    assert suits == (method.method in learnable)


@pytest.mark.parametrize("method", METHODS, ids=repr)
@pytest.mark.parametrize("kind", [pa.struct([("a", pa.string())]), pa.list_(pa.int64())], ids=str)
def test_nested_types_are_refused_with_the_reason(method, kind):
    with pytest.raises(ValueError, match=r"needs|cannot"):
        method.validate_type(kind)


@pytest.mark.parametrize(
    "given",
    [
        {"method": "generalize", "kind": "number"},
        {"method": "generalize", "kind": "number", "width": 1, "edges": [1]},
        {"method": "generalize", "kind": "time", "unit": "h"},
        {"method": "generalize", "kind": "zip"},
        {"method": "hash"},
        {"method": "redact", "with": "x"},
        {"method": "hmac", "role": "boss"},
    ],
)
def test_policies_that_make_no_sense_are_refused(given):
    with pytest.raises(ValidationError):
        POLICY.validate_python(given)
