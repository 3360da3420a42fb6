from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tfx_vigil.components.spans import SpanConfig


def day(*parts):
    return datetime(*parts, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("length", "second", "third"),
    [
        ("P6M", day(2014, 7, 1), day(2015, 1, 1)),
        ("P1M", day(2014, 2, 1), day(2014, 3, 1)),
        ("P1W", day(2014, 1, 8), day(2014, 1, 15)),
        ("P1D", day(2014, 1, 2), day(2014, 1, 3)),
        ("PT6H", day(2014, 1, 1, 6), day(2014, 1, 1, 12)),
    ],
)
def test_windows_follow_each_other(length, second, third):
    spans = SpanConfig(start="2014-01-01", length=length)
    assert spans.window(0).end == second == spans.window(1).start
    assert spans.window(1).end == third


@given(st.sampled_from(["P1M", "P3D", "P2W", "PT5H"]), st.integers(0, 300))
def test_span_names_sort_in_the_order_of_time_and_lead_back_to_their_window(length, k):
    spans = SpanConfig(start="2014-01-01", length=length)
    window = spans.window(k)
    assert window.span < spans.window(k + 1).span
    assert spans.window_of(window.span) == window
    assert spans.next_window(window.span) == spans.window(k + 1)


def test_the_first_window_comes_next_when_nothing_has_run():
    spans = SpanConfig(start="2014-01-01", length="P1D")
    assert spans.next_window(None) == spans.window(0)


def test_an_unknown_span_is_refused_with_its_neighbours():
    spans = SpanConfig(start="2014-01-01", length="P1M")
    with pytest.raises(ValueError, match="2014-01-01 and 2014-02-01"):
        spans.window_of("2014-01-15")


def test_a_start_in_another_zone_is_taken_in_utc():
    spans = SpanConfig(start="2014-01-01T02:00:00+02:00")
    assert spans.window(0).start == day(2014, 1, 1)


@pytest.mark.parametrize("length", ["6 months", "P0D", "P1Y", "", "P1DT1H"])
def test_other_lengths_are_refused(length):
    with pytest.raises(ValidationError, match="ISO 8601"):
        SpanConfig(start="2014-01-01", length=length)


def test_a_month_from_the_31st_is_refused_at_once():
    with pytest.raises(ValidationError, match="day 28"):
        SpanConfig(start="2014-01-31", length="P1M")
