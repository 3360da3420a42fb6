from ipaddress import ip_address, ip_network

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.privacy_methods import GeneralizeIp

from .treating import operate


@pytest.mark.parametrize(
    ("method", "values", "expected"),
    [
        (
            GeneralizeIp(),
            ["203.0.113.77", "2001:db8:7:1::5", "::ffff:203.0.113.77", "fe80::1%eth0", "host"],
            ["203.0.113.0/24", "2001:db8:7::/48", "203.0.113.0/24", "fe80::/48", "[REDACTED]"],
        ),
        (GeneralizeIp(ipv4_prefix=16, ipv6_prefix=32), ["10.1.2.3"], ["10.1.0.0/16"]),
    ],
)
def test_addresses_become_the_known_networks(method, values, expected):
    assert operate(method, values) == expected


@given(st.ip_addresses())
@settings(max_examples=50, deadline=None)
def test_an_ip_lies_in_its_network(address):
    [text] = operate(GeneralizeIp(), [str(address)])
    network = ip_network(text)
    inner = getattr(address, "ipv4_mapped", None) or address
    assert ip_address(inner) in network
    assert network.prefixlen == (24 if inner.version == 4 else 48)


NO_ADDRESSES = ["10.1.2", "10.1.2.3.4", "10.1.2.256", "010.1.2.3", "0x0a.1.2.3", "1.2.3.4/8"]


@pytest.mark.parametrize("text", [*NO_ADDRESSES, "1.2.3.4\0", "", "é", "2001:db8::1::2", "::g"])
def test_what_is_no_address_is_redacted(text):
    assert operate(GeneralizeIp(), [text, f" {text}"]) == ["[REDACTED]"] * 2


def test_numbers_are_refused():
    with pytest.raises(ValueError, match="generalize ip needs text"):
        GeneralizeIp().validate_type(pa.int64())
