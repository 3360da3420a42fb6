import base64
import math
import pickle
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address, ip_network

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from tfx_vigil.beam_jobs.keysets import Key
from tfx_vigil.beam_jobs.privacy_methods import (
    FieldPolicy,
    GeneralizeIp,
    GeneralizeNumber,
    GeneralizeTime,
    Hmac,
    Keep,
    Redact,
)
from tfx_vigil.beam_jobs.privacy_methods.hmac_sha256 import KeyedMac

KEY = Key(version=1, created="2025-01-01T00:00:00+00:00", material=bytes(range(32)))
MAC = KeyedMac.for_domain(KEY, "riders")
TEXT_TYPES = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]


def operate(method, values, kind=None, mac=MAC):
    array = pa.array(values, kind)
    method.validate_type(array.type)
    return method.operate(array, mac).to_pylist()


# RFC 4231, section 4: key, data, HMAC-SHA-256 (case 5 truncates to 128 bits).
RFC_4231 = [
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (
        b"Jefe",
        b"what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    (
        b"\xaa" * 20,
        b"\xdd" * 50,
        "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ),
    (
        bytes(range(1, 26)),
        b"\xcd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
]


@pytest.mark.parametrize(("key", "data", "expected"), RFC_4231)
@pytest.mark.parametrize("prefix", [0, 3, 8])
def test_keyed_mac_gives_the_vectors_of_rfc_4231_wherever_the_prefix_ends(
    key, data, expected, prefix
):
    mac = KeyedMac(key, data[:prefix], 1)
    for _ in range(2):
        assert mac.digest(data[prefix:]).hex()[: len(expected)] == expected


@pytest.mark.parametrize(
    ("method", "domain", "expected"),
    [  # openssl dgst -sha256 -mac HMAC over <domain> NUL <value>
        (Hmac(), "riders", "v1.3527000b3fc8a0d05602631a918b28d1"),
        (
            Hmac(bits=256),
            "riders",
            "v1.3527000b3fc8a0d05602631a918b28d1512297fb09585a4b344aa731579e5f1f",
        ),
        (Hmac(), "drivers", "v1.8d3c4d83099ed865ed47dd81ae65d5f0"),
        (Hmac(bits=160, encoding="base32"), "riders", "v1.gutqacz7zcqnavqcmmnjdczi2fisff73"),
    ],
)
def test_hmac_gives_the_known_pseudonym(method, domain, expected):
    mac = KeyedMac.for_domain(KEY, domain)
    for kind in TEXT_TYPES:
        array = pa.array([b"ada@example.com"], pa.binary()).cast(kind)
        treated = method.operate(array, mac)
        assert treated.type == kind
        assert treated.cast(pa.binary()).to_pylist() == [expected.encode()]


def test_hmac_takes_an_integer_as_its_decimal_text():
    assert operate(Hmac(), [42, -7]) == operate(Hmac(), ["42", "-7"])


def test_domain_and_value_cannot_be_shifted_into_each_other():
    a, b = KeyedMac.for_domain(KEY, "ab"), KeyedMac.for_domain(KEY, "a")
    assert a.digest(b"c") != b.digest(b"bc")


def test_another_key_version_gives_another_pseudonym():
    other = KeyedMac.for_domain(Key(2, "2025-01-02", bytes(range(1, 33))), "riders")
    [first], [second] = operate(Hmac(), ["x"]), operate(Hmac(), ["x"], mac=other)
    assert first[:3] == "v1."
    assert second[:3] == "v2."
    assert first[3:] != second[3:]


@given(
    st.lists(st.binary(max_size=30), unique=True, max_size=30), st.sampled_from(["hex", "base32"])
)
@settings(max_examples=30, deadline=None)
def test_distinct_values_get_distinct_pseudonyms_of_one_length(values, encoding):
    texts = operate(Hmac(encoding=encoding), values, pa.binary())
    assert len(set(texts)) == len(values)
    assert {len(text) for text in texts} <= {len("v1.") + (32 if encoding == "hex" else 26)}


def test_hmac_refuses_floats_and_short_macs():
    with pytest.raises(ValueError, match="redact or generalize"):
        Hmac().validate_type(pa.float32())
    with pytest.raises(ValidationError):
        Hmac(bits=64)


def test_the_key_is_hidden_in_the_repr_of_the_mac_which_cannot_be_pickled():
    assert KEY.material.hex() not in repr(MAC)
    assert repr(MAC) == "KeyedMac(version=1, key hidden)"
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(MAC)


def test_redact_replaces_text_of_any_type_and_refuses_numbers():
    for kind in TEXT_TYPES:
        array = pa.array([b"a", b""], pa.binary()).cast(kind)
        treated = Redact().operate(array, None)
        assert treated.type == kind
        assert treated.cast(pa.string()).to_pylist() == ["[REDACTED]", "[REDACTED]"]
    with pytest.raises(ValueError, match="leave: nothing"):
        Redact().validate_type(pa.int64())
    assert Redact(leave="nothing").drops_field
    assert not Redact().drops_field


def test_keep_leaves_values_and_refuses_what_cannot_be_scanned():
    assert operate(Keep(), [1.5, 2.5]) == [1.5, 2.5]
    with pytest.raises(ValueError, match="flatten or redact"):
        Keep().validate_type(pa.struct([("a", pa.string())]))


@pytest.mark.parametrize(
    ("method", "values", "kind", "expected"),
    [
        (GeneralizeNumber(width=5), [-1, 0, 4, 5, 12], pa.int64(), [-5, 0, 0, 5, 10]),
        (GeneralizeNumber(width=5), [-0.5, 4.9], pa.float32(), [-5.0, 0.0]),
        (GeneralizeNumber(width=0.5), [1.75, -1.75], pa.float64(), [1.5, -2.0]),
        (GeneralizeNumber(edges=[0, 18, 65]), [-3, 0, 17, 18, 99], pa.int64(), [0, 0, 0, 18, 65]),
        (GeneralizeNumber(edges=[0, 1.5]), [1.4, math.inf], pa.float64(), [0.0, 1.5]),
        (
            GeneralizeNumber(width=10),
            ["37", " 4.5", "-1", "x"],
            None,
            ["30", "0", "-10", "[REDACTED]"],
        ),
        (GeneralizeNumber(width=10), ["nan", "inf"], None, ["[REDACTED]"] * 2),
        (GeneralizeTime(unit="s"), [0, 86_399, 86_400, -1], pa.int64(), [0, 0, 86_400, -86_400]),
        (GeneralizeTime(unit="ms"), [1_714_998_645_123], pa.int64(), [1_714_953_600_000]),
        (GeneralizeTime(unit="us"), [1_714_998_645_123_456], pa.int64(), [1_714_953_600_000_000]),
        (GeneralizeTime(unit="s"), [1_714_998_645.5], pa.float64(), [1_714_953_600.0]),
        (GeneralizeTime(unit="s"), ["1714998645"], None, ["1714953600"]),
        (
            GeneralizeTime(),
            [
                "2024-05-06T12:30:45Z",
                "2024-05-06 23:30:45.123456-05:00",
                "2024-05-06T00:30+0200",
                "2024-05-06",
                "2024-05-06T12:30:45",
                "2024-13-06",
                "yesterday",
                "0001-01-01T00:00+02:00",
            ],
            None,
            ["2024-05-06", "2024-05-07", "2024-05-05", "2024-05-06", "2024-05-06"]
            + ["[REDACTED]"] * 3,
        ),
        (
            GeneralizeIp(),
            ["203.0.113.77", "2001:db8:7:1::5", "::ffff:203.0.113.77", "fe80::1%eth0", "host"],
            None,
            ["203.0.113.0/24", "2001:db8:7::/48", "203.0.113.0/24", "fe80::/48", "[REDACTED]"],
        ),
        (GeneralizeIp(ipv4_prefix=16, ipv6_prefix=32), ["10.1.2.3"], None, ["10.1.0.0/16"]),
    ],
)
def test_generalize_gives_the_known_answer(method, values, kind, expected):
    assert operate(method, values, kind) == expected


def test_nan_stays_nan():
    for method in (GeneralizeNumber(width=5), GeneralizeNumber(edges=[0.0])):
        assert math.isnan(operate(method, [math.nan], pa.float32())[0])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_keep_their_type(unit):
    moment = datetime(1969, 5, 6, 12, 30, 45)
    [day] = operate(GeneralizeTime(), [moment], pa.timestamp(unit))
    assert day == datetime(1969, 5, 6)


@given(st.lists(st.integers(-(2**53), 2**53), max_size=20), st.integers(1, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_bucket_starts_at_or_below_its_values_and_is_no_wider_than_asked(values, width):
    lower = operate(GeneralizeNumber(width=width), values, pa.int64())
    for value, edge in zip(values, lower, strict=True):
        assert edge <= value < edge + width
        assert edge % width == 0
    assert operate(GeneralizeNumber(width=width), lower, pa.int64()) == lower


@given(st.datetimes(datetime(1900, 1, 2), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
@settings(max_examples=50, deadline=None)
def test_all_forms_of_a_moment_fall_on_the_same_utc_day(moment, offset):
    local = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    day = local.astimezone(timezone.utc).date()
    assert operate(GeneralizeTime(), [local.isoformat()]) == [day.isoformat()]
    us = (local - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    [start] = operate(GeneralizeTime(unit="us"), [us])
    assert datetime(1970, 1, 1) + timedelta(microseconds=start) == datetime(
        day.year, day.month, day.day
    )


@given(st.ip_addresses())
@settings(max_examples=50, deadline=None)
def test_an_ip_lies_in_its_network(address):
    [text] = operate(GeneralizeIp(), [str(address)])
    network = ip_network(text)
    inner = getattr(address, "ipv4_mapped", None) or address
    assert ip_address(inner) in network
    assert network.prefixlen == (24 if inner.version == 4 else 48)


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (GeneralizeNumber(width=0.5), pa.int64()),
        (GeneralizeNumber(width=5), pa.bool_()),
        (GeneralizeTime(), pa.int64()),
        (GeneralizeIp(), pa.int64()),
    ],
)
def test_types_that_do_not_suit_are_refused(policy, kind):
    with pytest.raises(ValueError, match=r"generalize|whole"):
        policy.validate_type(kind)


@pytest.mark.parametrize(
    "given",
    [
        {"method": "generalize", "kind": "number"},
        {"method": "generalize", "kind": "number", "width": 1, "edges": [1]},
        {"method": "generalize", "kind": "number", "width": 0},
        {"method": "generalize", "kind": "number", "edges": [2, 1]},
        {"method": "generalize", "kind": "time", "unit": "h"},
        {"method": "hash"},
        {"method": "redact", "with": "x"},
    ],
)
def test_policies_that_make_no_sense_are_refused(given):
    with pytest.raises(ValidationError):
        TypeAdapter(FieldPolicy).validate_python(given)


@pytest.mark.parametrize("method", [Hmac(), Redact(), GeneralizeIp(), GeneralizeTime(), Keep()])
def test_every_method_returns_one_value_for_each_and_survives_json(method):
    values = pa.array(["a", "203.0.113.9", "2024-05-06", ""])
    treated = method.operate(values, MAC)
    assert len(treated) == len(values)
    assert treated.null_count == 0
    assert TypeAdapter(FieldPolicy).validate_json(method.model_dump_json()) == method


def test_base32_is_the_rfc_4648_text_of_the_same_mac():
    [text] = operate(Hmac(bits=256, encoding="base32"), ["x"])
    padded = text[3:].upper() + "=" * (-len(text[3:]) % 8)
    assert base64.b32decode(padded) == MAC.digest(b"x")


def test_numpy_widths_do_not_change_the_type():
    for kind in (pa.int32(), pa.float32(), pa.uint8()):
        treated = GeneralizeNumber(width=2).operate(pa.array(np.array([3, 4]), kind), None)
        assert treated.type == kind
        assert treated.to_pylist() == [2, 4]
