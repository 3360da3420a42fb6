"""Pseudonyms: the same value always gets the same text, which tells nothing without the key."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from ..domain_keys import DomainKeys
from .contract import Pseudonym, from_bytes, require_text_or_integers, to_bytes

_SIZE = 16


class Hmac(Pseudonym):
    """Replaces a value by ``v<key version>.<text of AES(K, HMAC(R, value))>``.

    HMAC-SHA-256 under a key R of the domain, truncated to its leftmost 128 bits (the least that
    RFC 2104, section 5, allows), is encrypted as one block of AES-256 under a key K of the domain
    and the key version. The HMAC makes the pseudonym one-way: nobody gets the value back, the
    keys' holder can only find the pseudonym of a value that is known. The cipher, a permutation,
    lets pseudonyms move to a newer version (``rewrap``) without the values, and makes those of a
    destroyed version unlinkable, also for holders of every other key.

    The pseudonym depends on the value's bytes, the domain and the version alone: one value has
    one pseudonym in all fields, splits and runs of a domain, so that joins and distinct counts
    still work. Values are taken as they are: ``A@x.org`` and ``a@x.org`` are two. Integers are
    treated as their decimal text, and the field's type becomes text.

    Among n distinct values the chance of any collision is at most n(n-1)/2^129: 2e-21 for a
    billion values.

    Reference: RFC 2104, test vectors in RFC 4231; FIPS 197; base32 as RFC 4648, lower case,
    unpadded.
    """

    method: Literal["hmac"] = "hmac"
    encoding: Literal["hex", "base32"] = "hex"

    def validate_type(self, kind: pa.DataType) -> None:
        require_text_or_integers(self.method, kind)

    def operate(self, values: pa.Array, keys: DomainKeys | None) -> pa.Array:
        state = hmac.new(keys.lasting(self.method), digestmod=hashlib.sha256)
        tags = b"".join(_tag(state, value) for value in to_bytes(values))
        return from_bytes(self._sealed(tags, keys), values.type)

    def rewrap(self, values: pa.Array, old: DomainKeys, new: DomainKeys) -> pa.Array:
        pseudonyms = to_bytes(values)
        at = [i for i, value in enumerate(pseudonyms) if value.startswith(old.label)]
        decode = _DECODERS[self.encoding]
        sealed = b"".join(decode(pseudonyms[i][len(old.label) :]) for i in at)
        tags = _cipher(old).decryptor().update(sealed)
        for i, value in zip(at, self._sealed(tags, new), strict=True):
            pseudonyms[i] = value
        return from_bytes(pseudonyms, values.type)

    def _sealed(self, tags: bytes, keys: DomainKeys) -> list[bytes]:
        sealed = _cipher(keys).encryptor().update(tags)
        label, encode = keys.label, _ENCODERS[self.encoding]
        return [label + encode(sealed[i : i + _SIZE]) for i in range(0, len(sealed), _SIZE)]


def _tag(state: hmac.HMAC, value: bytes) -> bytes:
    mac = state.copy()
    mac.update(value)
    return mac.digest()[:_SIZE]


def _cipher(keys: DomainKeys) -> Cipher:
    """Blocks that are HMACs repeat only where values do: ECB tells nothing more."""
    return Cipher(AES(keys.versioned("hmac")), ECB())


def _hex(block: bytes) -> bytes:
    return block.hex().encode()


def _from_hex(text: bytes) -> bytes:
    return bytes.fromhex(text.decode())


def _base32(block: bytes) -> bytes:
    return base64.b32encode(block).rstrip(b"=").lower()


def _from_base32(text: bytes) -> bytes:
    return base64.b32decode(text.upper() + b"=" * (-len(text) % 8))


_ENCODERS: dict[str, Callable[[bytes], bytes]] = {"hex": _hex, "base32": _base32}
_DECODERS: dict[str, Callable[[bytes], bytes]] = {"hex": _from_hex, "base32": _from_base32}
