"""IP addresses of hosts, with or without a prefix length.

The check is the address grammar. Networks (``10.1.2.0/24``), loopback and the unspecified address
point to nobody and stay. A version ``10.2.3.4`` that stands alone cannot be told from an address
and is found; one with a ``v`` or a name before it is not.

Reference: RFC 791; RFC 4291, section 2.2.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from socket import AF_INET6, inet_pton

from .kind import Kind, by_pattern

_NOBODY = (bytes(16), bytes(15) + b"\1")
_HINT_V6 = "::|(?:[0-9A-Fa-f]{1,4}:){6}"
_V6 = re.compile(
    r"(?<![\w:.])(?=[A-F:]*[0-9])[0-9A-F]{0,4}(?::[0-9A-F]{0,4}){2,8}(?:(?:\.[0-9]{1,3}){3})?"
    r"(?:/[0-9]{1,3})?(?![\w:])",
    re.IGNORECASE,
)
_BYTE = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_DOTTED = rf"{_BYTE}(?:\.{_BYTE}){{3}}"
_HINT_V4 = rf"(?:^|[^\w.-]){_DOTTED}(?:$|[^\w-])"
_V4 = re.compile(rf"(?<![\w.-])(?<!\w/){_DOTTED}(?:/[0-9]{{1,2}})?(?!\.?\w)(?!-\w)")


def ipv6() -> Kind:
    return by_pattern("IP", _HINT_V6, _V6, _length)


def ipv4() -> Kind:
    return by_pattern("IP", _HINT_V4, _V4, _length)


def _length(match: re.Match[str]) -> int:
    if match.re is _V4 and "/" not in match[0]:
        return 0 if match[0].startswith("127.") or match[0] == "0.0.0.0" else len(match[0])
    address, slash, _ = match[0].partition("/")
    if not slash:
        return len(address) if _is_v6_host(address) else 0
    try:
        host, network = ip_address(address), ip_network(match[0], strict=False)
    except ValueError:
        return 0
    is_network = network.num_addresses > 1 and host == network.network_address
    return 0 if is_network or host.is_loopback or host.is_unspecified else len(match[0])


def _is_v6_host(text: str) -> bool:
    try:
        return inet_pton(AF_INET6, text) not in _NOBODY
    except OSError:
        return False
