"""IP addresses to their networks."""

from __future__ import annotations

from ipaddress import IPv6Address
from socket import AF_INET, inet_ntoa, inet_pton
from typing import Literal

import pyarrow as pa
from pydantic import Field

from .contract import ValueMethod, is_text
from .texts import map_text


class GeneralizeIp(ValueMethod):
    """Replaces an IP address by its network, e.g. ``203.0.113.0/24`` or ``2001:db8:7::/48``.

    An IPv4 address mapped into IPv6 counts as the IPv4 address. Text that is no address becomes
    ``[REDACTED]``. A /24 is still one of 16 million networks: with other fields it can single out
    a household.

    Reference: RFC 4632 (prefixes), RFC 5952 (text of IPv6), RFC 4291, section 2.5.5.2 (mapped).
    """

    method: Literal["generalize"] = "generalize"
    kind: Literal["ip"] = "ip"
    ipv4_prefix: int = Field(default=24, ge=0, le=31)
    ipv6_prefix: int = Field(default=48, ge=0, le=127)

    def suits_feature(self, kind: str) -> bool:
        return True

    def validate_type(self, kind: pa.DataType) -> None:
        if not is_text(kind):
            raise ValueError(f"generalize ip needs text, not {kind}")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return map_text(values, self._network)

    def _network(self, text: str) -> str:
        try:
            return self._ipv4_network(inet_pton(AF_INET, text.strip()))  # much faster
        except OSError:
            address = IPv6Address(text.strip().partition("%")[0])
        if address.ipv4_mapped:
            return self._ipv4_network(address.ipv4_mapped.packed)
        host_bits = address.max_prefixlen - self.ipv6_prefix
        return f"{IPv6Address(int(address) >> host_bits << host_bits)}/{self.ipv6_prefix}"

    def _ipv4_network(self, packed: bytes) -> str:
        host_bits = 32 - self.ipv4_prefix
        network = int.from_bytes(packed, "big") >> host_bits << host_bits
        return f"{inet_ntoa(network.to_bytes(4, 'big'))}/{self.ipv4_prefix}"
