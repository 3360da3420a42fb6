import math
from datetime import date, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.privacy_methods import GeneralizeTime

from .treating import operate

STAMP_2024 = 1_704_067_200
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
TIMES = [
    "2024-05-06T12:30:45Z",
    "2024-05-06 23:30:45.123456-05:00",
    "2024-05-06T00:30+0200",
    "2024-05-06",
    "2024-05-06T12:30:45",
    "2024-13-06",
    "yesterday",
    "0001-01-01T00:00+02:00",
]


@pytest.mark.parametrize(
    ("method", "values", "kind", "expected"),
    [
        (GeneralizeTime(unit="s"), [0, 86_399, 86_400, -1], pa.int64(), [0, 0, 86_400, -86_400]),
        (GeneralizeTime(unit="ms"), [1_714_998_645_123], pa.int64(), [1_714_953_600_000]),
        (GeneralizeTime(unit="us"), [1_714_998_645_123_456], pa.int64(), [1_714_953_600_000_000]),
        (GeneralizeTime(unit="s"), [1_714_998_645.5, -0.5], None, [1_714_953_600.0, -86_400.0]),
        (GeneralizeTime(unit="s"), ["1714998645"], None, ["1714953600"]),
        (GeneralizeTime(unit="s", to="month"), [1_714_998_645], None, [1_714_521_600]),
        (GeneralizeTime(unit="s", to="month"), [-1], None, [-2_678_400]),
        (GeneralizeTime(unit="s", to="year"), [1_714_998_645, -1], None, [STAMP_2024, -31_536_000]),
        (
            GeneralizeTime(),
            TIMES,
            None,
            ["2024-05-06", "2024-05-07", "2024-05-05", "2024-05-06", "2024-05-06"]
            + ["[REDACTED]"] * 3,
        ),
        (GeneralizeTime(to="month"), TIMES[:2], None, ["2024-05", "2024-05"]),
        (GeneralizeTime(to="year"), ["2024-12-31T23:30-01:00"], None, ["2025"]),
    ],
)
def test_times_become_the_known_start(method, values, kind, expected):
    assert operate(method, values, kind) == expected


def test_floats_that_are_no_moment_become_nan():
    values = [math.nan, math.inf, -math.inf, 1e300]
    for to in ("day", "month", "year"):
        treated = operate(GeneralizeTime(unit="ms", to=to), values, pa.float64())
        assert all(math.isnan(value) for value in treated)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_keep_their_type(unit):
    moment = datetime(1969, 5, 6, 12, 30, 45)
    starts = {"day": (5, 6), "month": (5, 1), "year": (1, 1)}
    for to, start in starts.items():
        for kind in (pa.timestamp(unit), pa.timestamp(unit, "UTC")):
            treated = GeneralizeTime(to=to).operate(pa.array([moment], kind), None)
            assert treated.type == kind
            assert treated.cast(pa.timestamp("us")).to_pylist() == [datetime(1969, *start)]


def test_dates_keep_their_type():
    for kind in (pa.date32(), pa.date64()):
        treated = GeneralizeTime(to="month").operate(pa.array([date(1969, 5, 6)], kind), None)
        assert treated.type == kind
        assert treated.to_pylist() == [date(1969, 5, 1)]


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2100, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
    st.sampled_from(["day", "month", "year"]),
)
@settings(max_examples=50, deadline=None)
def test_all_forms_of_a_moment_have_the_same_start(moment, offset, to):
    local = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    day = local.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    start = day.replace(day=1 if to != "day" else day.day, month=1 if to == "year" else day.month)
    text = start.date().isoformat()
    assert operate(GeneralizeTime(to=to), [local.isoformat()]) == [
        text[: {"day": 10, "month": 7, "year": 4}[to]]
    ]
    us = (local - EPOCH) // timedelta(microseconds=1)
    assert operate(GeneralizeTime(unit="us", to=to), [us]) == [
        (start - EPOCH) // timedelta(microseconds=1)
    ]


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.bool_()])
def test_numbers_need_a_unit(kind):
    with pytest.raises(ValueError, match="needs a unit"):
        GeneralizeTime().validate_type(kind)
