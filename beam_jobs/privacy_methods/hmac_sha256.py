"""Pseudonyms: the same value always gets the same text, which tells nothing without the key."""

from __future__ import annotations

import base64
import re
from typing import Literal

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from ..domain_keys import DomainKeys
from ..keyed_hashes import keyed_hashes
from .contract import Pseudonym, from_bytes, require_text_or_integers, to_bytes
from .texts import from_rows

_SIZE = 16
_BLOCK = {"hex": rb"[0-9a-f]{32}", "base32": rb"[a-z2-7]{25}[aeimquy4]"}


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
        tags = keyed_hashes(keys.lasting(self.method), to_bytes(values), _SIZE)
        return from_rows(self._sealed(b"".join(tags), keys), values.type)

    def rewrap(self, values: pa.Array, old: DomainKeys, new: DomainKeys) -> pa.Array:
        texts = to_bytes(values)
        pseudonym = re.compile(re.escape(old.label) + b"(" + _BLOCK[self.encoding] + b")")
        matches = [pseudonym.fullmatch(text) for text in texts]
        sealed = b"".join([self._block(match[1]) for match in matches if match])
        rows = iter(self._sealed(_cipher(old).decryptor().update(sealed), new))
        moved = [
            next(rows).tobytes() if match else text
            for text, match in zip(texts, matches, strict=True)
        ]
        return from_bytes(moved, values.type)

    def _sealed(self, tags: bytes, keys: DomainKeys) -> np.ndarray:
        """The pseudonyms of concatenated tags, a row of characters each."""
        blocks = _cipher(keys).encryptor().update(tags)
        codes = _hex(blocks) if self.encoding == "hex" else _base32(blocks)
        label = np.frombuffer(keys.label, np.uint8)
        return np.hstack([np.broadcast_to(label, (len(codes), len(label))), codes])

    def _block(self, code: bytes) -> bytes:
        if self.encoding == "hex":
            return bytes.fromhex(code.decode())
        return base64.b32decode(code.upper() + b"=" * (-len(code) % 8))


def _cipher(keys: DomainKeys) -> Cipher:
    """Blocks that are HMACs repeat only where values do: ECB tells nothing more."""
    return Cipher(AES(keys.versioned("hmac")), ECB())


def _hex(blocks: bytes) -> np.ndarray:
    return np.frombuffer(blocks.hex().encode(), np.uint8).reshape(-1, 2 * _SIZE)


def _base32(blocks: bytes) -> np.ndarray:
    rows = np.frombuffer(blocks, np.uint8).reshape(-1, _SIZE)
    whole = np.pad(rows, ((0, 0), (0, 4)))  # 20 bytes are 32 characters
    codes = np.frombuffer(base64.b32encode(whole.tobytes()).lower(), np.uint8)
    return codes.reshape(-1, 32)[:, :26]
