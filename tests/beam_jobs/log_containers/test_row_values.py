import datetime as dt
import decimal

import pytest
from tfx_vigil.beam_jobs.log_containers.row_values import json_value

HOUR = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (dt.datetime(2026, 1, 1, 0, 0, 0, 7), 1_767_225_600_000_007),
        (dt.datetime(2026, 1, 1, 1, tzinfo=HOUR), 1_767_225_600_000_000),
        (dt.date(2026, 1, 1), "2026-01-01"),
        (dt.time(0, 0, 1, 5), 1_000_005),
        (dt.timedelta(days=-1), -86_400_000_000),
        (decimal.Decimal("1.50"), 1.5),
        (decimal.Decimal("2.00"), 2),
        (decimal.Decimal(1 << 70), float(1 << 70)),
        (float("nan"), None),
        (b"caf\xc3\xa9", "café"),
        (b"\xff", "/w=="),
        ([("a", b"x"), ("b", [1.0, float("nan")])], {"a": "x", "b": [1.0, None]}),
        (
            {"a": {"b": [dt.date(1999, 12, 31), None, True]}},
            {"a": {"b": ["1999-12-31", None, True]}},
        ),
    ],
)
def test_values_are_as_json_has_them(value, json):
    assert json_value(value) == json
