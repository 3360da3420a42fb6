import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.privacy_methods import GeneralizePostcode

from .treating import operate


def test_postcodes_become_their_first_characters():
    values = ["60614", "60614-1234", " 00501", "sw1a 1aa", "SW1A-1AA", "K1A 0B1", "1010 AB"]
    expected = ["606", "606", "005", "SW1", "SW1", "K1A", "101"]
    assert operate(GeneralizePostcode(), values) == expected
    assert operate(GeneralizePostcode(prefix=1), ["75001"]) == ["7"]


@pytest.mark.parametrize(
    "value", ["", "60", "606", "6 0 6", "60614 Chicago", "60614?", "６０６１４"]
)
def test_what_is_no_postcode_or_would_stay_whole_is_redacted(value):
    assert operate(GeneralizePostcode(), [value]) == ["[REDACTED]"]


def test_numbers_are_refused():
    with pytest.raises(ValueError, match="postcode needs text"):
        GeneralizePostcode().validate_type(pa.int64())
