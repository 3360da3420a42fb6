"""Deterministic authenticated encryption: a pseudonym from which key holders get the value back."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ..domain_keys import DomainKeys
from .contract import Reversible, from_bytes, require_text_or_integers, to_bytes

_Code = Callable[[bytes], bytes]
_KEY_BYTES = 64
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class AesSiv(Reversible):
    """Replaces a value by ``v<key version>.<text of AES-SIV(K, value)>``.

    AES-256-SIV under a key K of 64 bytes of the domain and the key version, without associated
    data. Deterministic: equal values get equal pseudonyms, so that joins and distinct counts
    work, and nothing else of the value shows but its length in bytes. Authenticated: a text that
    was changed, or made under another key, is recognised as no pseudonym.

    Whoever holds the key gets values back; destroying the key version makes its pseudonyms
    unlinkable and irreversible for everybody. Integers are treated as their decimal text and come
    back as text.

    Text is base64url (RFC 4648, section 5), or base32 in lower case where case may get lost;
    both unpadded. The pseudonym of n bytes has 4/3 (or 8/5) of 16 + n characters.

    Reference: RFC 5297, test vectors in its appendix A.
    """

    method: Literal["aes_siv"] = "aes_siv"
    encoding: Literal["base64url", "base32"] = "base64url"

    def validate_type(self, kind: pa.DataType) -> None:
        require_text_or_integers(self.method, kind)

    def operate(self, values: pa.Array, keys: DomainKeys | None) -> pa.Array:
        return from_bytes(self._encrypted(to_bytes(values), keys), values.type)

    def reverse(self, values: pa.Array, keys: DomainKeys) -> pa.Array:
        plain = self._decrypted(to_bytes(values), keys)
        if None in plain:
            raise ValueError(f"a value is no {self.method} pseudonym of key version {keys.version}")
        return from_bytes(plain, values.type)

    def rewrap(self, values: pa.Array, old: DomainKeys, new: DomainKeys) -> pa.Array:
        texts = to_bytes(values)
        plain = self._decrypted(texts, old)
        moved = iter(self._encrypted([value for value in plain if value is not None], new))
        return from_bytes(
            [
                text if value is None else next(moved)
                for text, value in zip(texts, plain, strict=True)
            ],
            values.type,
        )

    def _encrypted(self, values: list[bytes], keys: DomainKeys) -> list[bytes]:
        encrypt, label = _cipher(keys).encrypt, keys.label
        encode, _ = _CODES[self.encoding]
        return [label + encode(encrypt(value, None)) for value in values]

    def _decrypted(self, texts: list[bytes], keys: DomainKeys) -> list[bytes | None]:
        """The values; None for texts that are no pseudonym of ``keys``."""
        decrypt, label = _cipher(keys).decrypt, keys.label
        encode, decode = _CODES[self.encoding]

        def decrypted(text: bytes) -> bytes | None:
            if not text.startswith(label):
                return None
            code = text[len(label) :]
            try:
                sealed = decode(code)
                return decrypt(sealed, None) if encode(sealed) == code else None
            except (InvalidTag, ValueError):
                return None

        return [decrypted(text) for text in texts]


def _cipher(keys: DomainKeys) -> AESSIV:
    return AESSIV(keys.versioned("aes_siv", _KEY_BYTES))


def _base64url(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_URL_SAFE)


def _from_base64url(code: bytes) -> bytes:
    return base64.urlsafe_b64decode(code + b"=" * (-len(code) % 4))


def _base32(data: bytes) -> bytes:
    return base64.b32encode(data).rstrip(b"=").lower()


def _from_base32(code: bytes) -> bytes:
    return base64.b32decode(code.upper() + b"=" * (-len(code) % 8))


_CODES: dict[str, tuple[_Code, _Code]] = {
    "base64url": (_base64url, _from_base64url),
    "base32": (_base32, _from_base32),
}
