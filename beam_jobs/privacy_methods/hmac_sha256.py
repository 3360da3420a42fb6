"""Pseudonyms: the same value always gets the same text, which tells nothing without the key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Literal, NoReturn

import pyarrow as pa

from ..keyset import Key
from .contract import Method, from_bytes, is_text, to_bytes


class KeyedMac:
    """HMAC-SHA-256 with a fixed key and message prefix, both hashed once.

    It holds the key: it cannot be pickled and its repr hides it.
    """

    def __init__(self, material: bytes, prefix: bytes, version: int):
        self.version = version
        self._state = hmac.new(material, prefix, hashlib.sha256)

    @classmethod
    def for_domain(cls, key: Key, domain: str) -> KeyedMac:
        """Prefixes messages with the domain and a zero byte, which no domain contains."""
        return cls(key.material, domain.encode() + b"\0", key.version)

    def digest(self, value: bytes) -> bytes:
        mac = self._state.copy()
        mac.update(value)
        return mac.digest()

    def __repr__(self) -> str:
        return f"KeyedMac(version={self.version}, key hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled: workers read the keyset by its path")


class Hmac(Method):
    """Replaces a value by ``v<key version>.<text of HMAC-SHA-256(key, domain, 0x00, value)>``.

    The pseudonym depends on the value's bytes, the key and the domain alone: one value has one
    pseudonym in all fields, splits and runs of a domain, so that joins and distinct counts still
    work; pseudonyms of two domains or two key versions cannot be linked without the keys.
    Values are taken as they are: ``A@x.org`` and ``a@x.org`` are two.

    Integers are treated as their decimal text, so that an id gets one pseudonym as a number and
    as text; the field's type becomes text. Floats are refused, for equal ids may differ by
    rounding.

    The MAC is truncated to its leftmost ``bits``, never below the 128 of RFC 2104, section 5.
    Among n distinct values the chance of any collision is at most n(n-1)/2^(bits+1): 2e-21 for
    128 bits and a billion values.

    Reference: RFC 2104; test vectors in RFC 4231; base32 as RFC 4648, lower case, unpadded.
    """

    method: Literal["hmac"] = "hmac"
    bits: Literal[128, 160, 192, 256] = 128
    encoding: Literal["hex", "base32"] = "hex"

    def validate_type(self, kind: pa.DataType) -> None:
        if not (is_text(kind) or pa.types.is_integer(kind)):
            raise ValueError(f"hmac needs text or integers, not {kind}: redact or generalize it")

    def operate(self, values: pa.Array, mac: KeyedMac | None) -> pa.Array:
        kind = values.type if is_text(values.type) else pa.string()
        texts = values if is_text(values.type) else values.cast(pa.string())
        size, encode = self.bits // 8, _ENCODERS[self.encoding]
        label = b"v%d." % mac.version
        return from_bytes([label + encode(mac.digest(v)[:size]) for v in to_bytes(texts)], kind)


def _hex(digest: bytes) -> bytes:
    return digest.hex().encode()


def _base32(digest: bytes) -> bytes:
    return base64.b32encode(digest).rstrip(b"=").lower()


_ENCODERS: dict[str, Callable[[bytes], bytes]] = {"hex": _hex, "base32": _base32}
