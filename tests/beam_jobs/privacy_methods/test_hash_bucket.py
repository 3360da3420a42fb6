import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import chisquare
from tfx_vigil.beam_jobs.privacy_methods import HashBucket

from .treating import KEYS, NEXT_KEYS, OTHER_DOMAIN, TEXT_TYPES, operate


def test_values_have_the_known_buckets():
    values = ["ada@example.com", "bob@example.com", "42"]
    # HMAC-SHA-256 under the key of openssl kdf HKDF: its first 8 bytes modulo 1000
    assert operate(HashBucket(buckets=1000), values) == [413, 466, 910]
    assert operate(HashBucket(buckets=1000), [42]) == [910]
    assert operate(HashBucket(buckets=1000, output="text"), [42]) == ["910"]


def test_integers_are_int64_and_text_keeps_its_type():
    for kind in TEXT_TYPES:
        column = pa.array([b"a"], pa.binary()).cast(kind)
        assert HashBucket(buckets=9).operate(column, KEYS).type == pa.int64()
        assert HashBucket(buckets=9, output="text").operate(column, KEYS).type == kind


@given(st.lists(st.binary(max_size=20), max_size=30), st.integers(2, 2**31))
@settings(max_examples=50, deadline=None)
def test_a_bucket_lies_in_its_range_and_outlives_key_versions(values, buckets):
    numbers = operate(HashBucket(buckets=buckets), values, pa.binary())
    assert all(0 <= number < buckets for number in numbers)
    assert operate(HashBucket(buckets=buckets), values, pa.binary(), NEXT_KEYS) == numbers


def test_buckets_are_filled_evenly_and_differ_by_domain():
    values = [f"rider{n}@example.org" for n in range(20_000)]
    numbers = operate(HashBucket(buckets=50), values)
    others = operate(HashBucket(buckets=50), values, keys=OTHER_DOMAIN)
    assert chisquare([numbers.count(bucket) for bucket in range(50)]).pvalue > 1e-3
    same = sum(a == b for a, b in zip(numbers, others, strict=True))
    assert 300 < same < 500


def test_the_stated_number_of_collisions_is_right():
    distinct, buckets = 20_000, 10_000
    numbers = operate(HashBucket(buckets=buckets), [str(n) for n in range(distinct)])
    expected = distinct - buckets * (1 - (1 - 1 / buckets) ** distinct)
    assert distinct - len({*numbers}) == pytest.approx(expected, rel=0.01)


def test_only_a_feature_of_the_output_s_kind_can_be_learned_from():
    assert HashBucket(buckets=9).suits_feature("int")
    assert HashBucket(buckets=9, output="text").suits_feature("string")
    assert not HashBucket(buckets=9).suits_feature("string")


@pytest.mark.parametrize("buckets", [0, 1, 2**31 + 1])
def test_numbers_of_buckets_that_make_no_sense_are_refused(buckets):
    with pytest.raises(ValidationError):
        HashBucket(buckets=buckets)


def test_floats_are_refused():
    with pytest.raises(ValueError, match="hash_bucket needs text or integers"):
        HashBucket(buckets=9).validate_type(pa.float64())
