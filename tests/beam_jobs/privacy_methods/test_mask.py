import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tfx_vigil.beam_jobs.privacy_methods import Mask

from .treating import operate

CARD = "4111111111111111"


@pytest.mark.parametrize(
    ("method", "value", "expected"),
    [
        (Mask(), "secret", "******"),
        (Mask(keep_last=4), CARD, "************1111"),
        (Mask(keep_first=6, keep_last=4, character="x"), CARD, "411111xxxxxx1111"),
        (Mask(keep_last=4, hide_length=True), CARD, "****1111"),
        (Mask(keep_last=4, hide_length=True, min_masked=6), CARD, "******1111"),
        (Mask(keep_last=4), "1234567", "*******"),
        (Mask(keep_last=4), "12345678", "****5678"),
        (Mask(keep_last=4, min_masked=1), "12345", "*2345"),
        (Mask(keep_last=4, hide_length=True), "1234567", "****"),
        (Mask(keep_first=1), "Zoë Ångström", "Z***********"),
        (Mask(hide_length=True), "", "****"),
        (Mask(), "", ""),
    ],
)
def test_values_get_the_known_mask(method, value, expected):
    assert operate(method, [value]) == [expected]


def test_integers_are_masked_as_text_and_bytes_that_are_no_text_go():
    assert operate(Mask(keep_last=2), [123456789]) == ["*******89"]
    assert operate(Mask(keep_last=2), [b"\xff\xfe12345678"], pa.binary()) == [b"[REDACTED]"]


@given(st.text(max_size=30), st.integers(0, 5), st.integers(0, 5), st.booleans(), st.integers(1, 5))
@settings(max_examples=50, deadline=None)
def test_a_value_keeps_no_more_than_asked_for(value, first, last, hide_length, min_masked):
    method = Mask(keep_first=first, keep_last=last, hide_length=hide_length, min_masked=min_masked)
    [text] = operate(method, [value], pa.string())
    if len(value) < first + last + min_masked:
        assert {*text} <= {"*"}
    else:
        middle = text[first : len(text) - last]
        assert (text[:first], text[len(text) - last :]) == (
            value[:first],
            value[len(value) - last :],
        )
        assert middle == "*" * (min_masked if hide_length else len(value) - first - last)


def test_nothing_to_mask_and_other_types_are_refused():
    for given_ in ({"character": ""}, {"character": "**"}, {"min_masked": 0}, {"keep_last": -1}):
        with pytest.raises(ValidationError):
            Mask(**given_)
    with pytest.raises(ValueError, match="mask needs text"):
        Mask().validate_type(pa.float64())
