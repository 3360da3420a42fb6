import re
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.ingest_config import microseconds
from tfx_vigil.beam_jobs.log_values import Malformed, get_time

RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?[Zz]", re.ASCII)
texts = st.builds(
    lambda time, fraction: time.isoformat(timespec="seconds") + fraction + "Z",
    st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31)),
    st.just("") | st.from_regex(r"\.[0-9]{1,9}", fullmatch=True),
)


def found(text):
    try:
        return get_time({"t": text}, "t")
    except Malformed:
        return None


def by_the_book(text):
    """Microseconds of a time with a Z; None for what is none."""
    match = RFC3339.fullmatch(text)
    try:
        seconds = datetime.fromisoformat(f"{match[1]}T{match[2]}+00:00")
    except (TypeError, ValueError):
        return None
    return microseconds(seconds) + int((match[3] or "").ljust(6, "0")[:6])


@given(texts)
def test_a_time_is_read_to_the_microsecond_and_cut_off(text):
    assert found(text) == by_the_book(text) is not None


@given(texts, st.integers(0, 30), st.text("0123456789-:.TtZz ²٢_,", max_size=2))
def test_a_time_with_a_slip_is_read_as_rfc_3339_says(text, place, slip):
    spoilt = text[:place] + slip + text[place + len(slip) :]
    assert found(spoilt) == by_the_book(spoilt)
