from datetime import date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tfx_vigil.beam_jobs.privacy_methods import DateShift

from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES

DAY = 86_400
# HMAC-SHA-256 under the key of openssl kdf HKDF, modulo 60: 32, 37 and 39.
SHIFTS = {"ada@example.com": 3, "bob@example.com": 8, "42": 10}


def shift(values, subjects, kind=None, keys=KEYS, **parameters):
    method = DateShift(**{"subject": "rider", "max_days": 30, **parameters})
    values = pa.array(values, kind)
    method.validate_type(values.type)
    subjects = subjects if isinstance(subjects, pa.Array) else pa.array(subjects)
    treated = method.operate_rows(values, subjects, keys)
    assert treated.type == values.type
    return treated.to_pylist()


def test_subjects_have_the_known_shifts():
    assert shift([0, 0], ["ada@example.com", "bob@example.com"], unit="s") == [3 * DAY, 8 * DAY]
    assert shift([0.5], [42], unit="s") == [10 * DAY + 0.5]


def test_a_subject_has_one_shift_whatever_its_type_and_the_key_version():
    subjects = ["ada@example.com", None, "42"]
    for kind in TEXT_TYPES:
        column = pa.array([s and s.encode() for s in subjects], pa.binary()).cast(kind)
        for same in (column, column.dictionary_encode()):
            assert shift([0] * 3, same, unit="s") == [3 * DAY, None, 10 * DAY]
    assert shift([0], ["42"], keys=NEXT_KEYS, unit="s") == [10 * DAY]
    assert shift([0], ["42"], keys=OTHER_DOMAIN, unit="s") != [10 * DAY]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-02-27", "2024-03-01"),
        ("2024-02-27T23:59:01.5+02:00", "2024-03-01T23:59:01.5+02:00"),
        (" 2023-12-30 08:15Z ", "2024-01-02 08:15Z"),
        ("2024-02-30", "[REDACTED]"),
        ("9999-12-30", "[REDACTED]"),
        ("27/02/2024", "[REDACTED]"),
        ("2024-02-27 at Ada's", "[REDACTED]"),
        ("", "[REDACTED]"),
    ],
)
def test_iso_text_keeps_its_form_and_its_time_of_day(text, expected):
    for kind in TEXT_TYPES:
        values = pa.array([text.encode()], pa.binary()).cast(kind)
        treated = DateShift(subject="rider", max_days=30).operate_rows(
            values, pa.array(["ada@example.com"]), KEYS
        )
        assert treated.cast(pa.string()).to_pylist() == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("86400", "345600"), ("-86400", "172800"), ("0.5", "259200.5"), ("nan", "[REDACTED]"),
     ("1e400", "[REDACTED]"), ("soon", "[REDACTED]")],
)  # fmt: skip
def test_text_with_a_unit_is_a_number(text, expected):
    assert shift([text], ["ada@example.com"], unit="s") == [expected]


def test_timestamps_and_dates_move_by_days():
    moment = datetime(2024, 2, 27, 12, 30, 45)
    for unit in ("s", "ms", "us", "ns"):
        kind = pa.timestamp(unit)
        values = pa.array([moment, None, moment], kind)
        treated = DateShift(subject="rider", max_days=30).operate_rows(
            values, pa.array(["ada@example.com", "42", None]), KEYS
        )
        assert treated.type == kind
        expected = [moment + timedelta(3), None, None]
        assert treated.cast(pa.timestamp("us")).to_pylist() == expected
    for kind in (pa.date32(), pa.date64()):
        assert shift([moment.date()], ["42"], kind) == [date(2024, 3, 8)]


def test_a_row_without_subject_keeps_no_time():
    subjects = pa.nulls(2)
    assert shift(["2024-02-27", None], subjects) == ["[REDACTED]", None]
    assert shift([1_714_998_645, None], subjects, unit="s") == [None, None]
    treated = DateShift(subject="rider", unit="s").operate_rows(
        pa.array([1_714_998_645]), subjects[:1], KEYS
    )
    assert (1_714_998_645).to_bytes(8, "little") not in treated.buffers()[1].to_pybytes()


@given(
    st.lists(st.tuples(st.integers(0, 2**31), st.integers(0, 5)), min_size=1, max_size=30),
    st.integers(1, 400),
)
@settings(max_examples=50, deadline=None)
def test_distances_within_a_subject_stay_and_no_time_does(rows, max_days):
    times, subjects = [list(column) for column in zip(*rows, strict=True)]
    treated = shift(times, subjects, unit="s", max_days=max_days)
    moved = {}
    for time, subject, new in zip(times, subjects, treated, strict=True):
        moved.setdefault(subject, new - time)
        assert moved[subject] == new - time
        assert 1 <= abs(new - time) // DAY <= max_days
        assert (new - time) % DAY == 0


def test_shifts_use_the_whole_range_but_not_zero():
    treated = shift([0] * 2000, list(range(2000)), unit="s", max_days=3)
    assert {seconds // DAY for seconds in treated} == {-3, -2, -1, 1, 2, 3}


def test_integers_become_int64_where_every_shifted_time_fits():
    treated = DateShift(subject="rider", max_days=30, unit="s").operate_rows(
        pa.array([2**31 - 1], pa.int32()), pa.array(["42"]), KEYS
    )
    assert treated.equals(pa.array([2**31 - 1 + 10 * DAY]))


def test_large_unsigned_times_are_shifted_exactly():
    ticks = 2**60 + 1
    treated = DateShift(subject="rider", max_days=30, unit="us").operate_rows(
        pa.array([ticks], pa.uint64()), pa.array(["42"]), KEYS
    )
    assert treated.to_pylist() == [ticks + 10 * DAY * 10**6]


@pytest.mark.parametrize(
    ("unit", "kind", "message"),
    [(None, pa.int64(), "needs a unit"), ("s", pa.bool_(), "not bool")],
)
def test_types_that_do_not_suit_are_refused(unit, kind, message):
    with pytest.raises(ValueError, match=message):
        DateShift(subject="rider", unit=unit).validate_type(kind)


def test_a_subject_and_a_range_are_needed():
    for mistake in ({}, {"subject": "rider", "max_days": 0}):
        with pytest.raises(ValidationError):
            DateShift(**mistake)
