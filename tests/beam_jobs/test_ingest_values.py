from datetime import datetime, timedelta, timezone

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import IngestConfig, Window, microseconds, moment
from tfx_vigil.beam_jobs.log_histogram import ACCURACY, bin_of, quantiles
from tfx_vigil.beam_jobs.log_values import (
    Malformed,
    cell,
    features,
    get_time,
    prediction,
)

NOON = 1_767_268_800_000_000
DAY = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-01T12:00:00Z", NOON),
        ("2026-01-01t12:00:00z", NOON),
        ("2026-01-01T14:30:00+02:30", NOON),
        ("2026-01-01T12:00:00.5Z", NOON + 500_000),
        ("2026-01-01T12:00:00.123456999Z", NOON + 123_456),
        (1_767_268_800, NOON),
        (1_767_268_800.25, NOON + 250_000),
        (1_767_268_800_000, NOON),
        (1_767_268_800_000_000, NOON),
        (1_767_268_800_000_000_999, NOON),
        (0, 0),
    ],
)
def test_a_time_is_read_to_the_microsecond(value, expected):
    assert get_time({"t": value}, "t") == expected


@pytest.mark.parametrize(
    "value",
    [
        "2026-01-01T12:00:00",
        "2026-01-01",
        "2026-13-01T12:00:00Z",
        "2026-01-01T12:00:00.Z",
        "2026-01-01T12:00:00+99:00",
        "٢٠٢٦-01-01T12:00:00Z",
        "",
        True,
        -1,
        1e300,
        [],
        {},
    ],
)
def test_what_is_no_moment_is_malformed(value):
    with pytest.raises(Malformed, match=r"^bad_time:t$"):
        get_time({"t": value}, "t")


@given(st.datetimes(datetime(1900, 1, 1), datetime(9999, 1, 1)))
def test_rfc3339_of_any_time_is_that_time(time):
    time = time.replace(tzinfo=timezone.utc)
    read = get_time({"t": time.isoformat().replace("+00:00", "Z")}, "t")
    assert read == microseconds(time)
    assert moment(read) == time


def test_undeclared_values_are_typed_by_their_json_type():
    row = features(
        {"n": 3, "x": 2.5, "b": True, "s": "a", "none": None, "o": {"z": 1, "a": None}}, {}
    )
    assert row == {"n": 3.0, "x": 2.5, "b": 1, "s": "a", "o": '{"a":null,"z":1}'}


def test_lists_are_multivalent_features_row_major_and_of_one_kind():
    row = features({"m": [[1, 2], [3, 4]], "empty": [], "mixed": [1, "a", True]}, {})
    assert row == {"m": [1.0, 2.0, 3.0, 4.0], "mixed": ["1", "a", "1"]}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", 7, 7),
        ("int", 7.0, 7),
        ("int", True, 1),
        ("float", 7, 7.0),
        ("string", "x", "x"),
        ("string", 8001, "8001"),
    ],
)
def test_declared_values_take_their_declared_type(kind, value, expected):
    row = features({"f": value}, {"f": kind})
    assert row == {"f": expected}
    assert type(row["f"]) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", 7.5),
        ("int", "7"),
        ("int", 2**63),
        ("int", 1e20),
        ("float", "7"),
        ("float", 1e39),
        ("string", 7.5),
        ("string", {"a": 1}),
        ("string", [None]),
    ],
)
def test_a_value_that_does_not_fit_its_declared_type_is_malformed(kind, value):
    with pytest.raises(Malformed, match=r"^bad_value:f$"):
        features({"f": value}, {"f": kind})


def test_reasons_never_name_what_only_the_record_holds():
    with pytest.raises(Malformed, match=r"^bad_value$"):
        features({"jane@example.org": [1, None]}, {})


@pytest.mark.parametrize("name", ["label", "log_row", "prediction", ""])
def test_features_may_not_take_reserved_names(name):
    with pytest.raises(Malformed, match=r"^reserved_name"):
        features({name: 1}, {})


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (0.5, None, 0.5),
        (1, None, 1.0),
        ([0.25, 0.75], None, [0.25, 0.75]),
        ([[0.5]], None, [0.5]),
        ({"score": 0.5}, None, 0.5),
        ({"score": [0.5], "logits": [3, 4]}, "score", [0.5]),
    ],
)
def test_a_prediction_is_a_score_or_a_vector(value, name, expected):
    assert prediction(value, name) == expected


@pytest.mark.parametrize("value", ["cat", None, [], [0.5, None], {"a": 1, "b": 2}, {}])
def test_what_is_no_score_is_malformed(value):
    with pytest.raises(Malformed, match=r"^bad_value:prediction$"):
        prediction(value, None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7.5", -7.5),
        ("1e3", 1000.0),
        ("", None),
        (None, None),
        ("007", "007"),
        ("+7", "+7"),
        ("nan", "nan"),
        ("7 ", "7 "),
        ("٧", "٧"),
    ],
)
def test_a_cell_is_a_number_where_json_has_one(text, value):
    assert cell(text) == value
    assert type(cell(text)) is type(value)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=200))
def test_quantiles_are_within_their_accuracy(values):
    bins = {}
    for value in values:
        bins[bin_of(value)] = bins.get(bin_of(value), 0) + 1
    exact = sorted(values)[-(-len(values) // 2) - 1]
    assert quantiles(bins).p50 == pytest.approx(exact, rel=ACCURACY * 1.001)


def test_quantiles_of_nothing_and_of_zeros():
    assert quantiles({}) is None
    assert quantiles({bin_of(0.0): 3, bin_of(-1.0): 1}).p99 == 0.0


def test_dated_globs_stand_for_each_day_that_the_horizon_reaches():
    config = IngestConfig(
        format="kserve", logs="l/{YYYY}/{MM}/{DD}/*", horizon_hours=1, max_dead_letter_share=0
    )
    window = Window.of(config, DAY, DAY + timedelta(days=1))
    assert window.log_globs(config.logs) == ["l/2025/12/31/*", "l/2026/01/01/*"]
    assert window.log_globs(["plain"]) == ["plain"]
    assert window.label_globs(["{DD}"]) == ["01", "31"]
    hours = window.log_globs(["{DD}T{HH}"])
    assert (len(hours), hours[0], hours[-1]) == (25, "01T00", "31T23")


@pytest.mark.parametrize(
    ("start", "end"), [(DAY, DAY), (DAY.replace(tzinfo=None), DAY + timedelta(1))]
)
def test_windows_must_have_a_length_and_an_offset(start, end):
    with pytest.raises(ValueError, match="window"):
        Window.of(IngestConfig(format="kserve", logs="x"), start, end)


@pytest.mark.parametrize(
    "change",
    [
        {"logs": []},
        {"format": "xml"},
        {"features": {"label": "int"}},
        {"features": {"x": "double"}},
        {"ground_truth": {"files": "gt"}},
        {"ground_truth": {"files": "gt", "columns": ["log_row"]}, "horizon_hours": 1},
        {"unknown": 1},
        {"horizon_hours": float("nan")},
    ],
)
def test_a_wrong_configuration_is_refused(change):
    with pytest.raises(pydantic.ValidationError):
        IngestConfig.model_validate({"format": "kserve", "logs": "x", **change})
