"""Encrypted keyset documents: scrypt turns the passphrase into a key of AES-256-GCM.

scrypt (RFC 7914) with N = 2^17, r = 8, p = 1 and a random salt of 16 bytes takes 128 MiB and some
tenths of a second. GCM (NIST SP 800-38D) with a random nonce of 12 bytes seals the document; the
header, which states all of this, is its associated data: neither can be changed.
"""

from __future__ import annotations

import base64
import json
import os
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from .keyset import KEY_BYTES, KeysetError

MIN_CHARACTERS = 15
"""Of a passphrase: what NIST SP 800-63B-4 asks of a password that stands alone."""

_KDF = {"kdf": "scrypt", "n": 2**17, "r": 8, "p": 1}
_CIPHER = {"cipher": "AES-256-GCM"}


def is_encrypted(document: dict[str, Any]) -> bool:
    return "ciphertext" in document


def encrypt(text: bytes, secret: str) -> bytes:
    """The encrypted document of ``text``; raises KeysetError for too short a passphrase."""
    if len(secret) < MIN_CHARACTERS:
        raise KeysetError(
            f"the passphrase of a keyset needs {MIN_CHARACTERS} characters or more: take some words"
        )
    salt, nonce = os.urandom(16), os.urandom(12)
    header = {**_KDF, "salt": _text(salt), **_CIPHER, "nonce": _text(nonce)}
    sealed = AESGCM(_key(secret, salt)).encrypt(nonce, text, _associated(header))
    return json.dumps({**header, "ciphertext": _text(sealed)}, indent=1).encode()


def decrypt(source: str, document: dict[str, Any], secret: str, place: str) -> bytes:
    """What ``encrypt`` was given.

    Args:
      place: where the passphrase was found.

    Raises:
      KeysetError: the passphrase is another one, or the document is damaged.
    """
    header = {name: value for name, value in document.items() if name != "ciphertext"}
    try:
        salt, nonce = _bytes(header["salt"]), _bytes(header["nonce"])
        sealed = _bytes(document["ciphertext"])
        stated = {**_KDF, "salt": header["salt"], **_CIPHER, "nonce": header["nonce"]}
        if header != stated or len(nonce) != 12:
            raise ValueError("another format")
    except (KeyError, TypeError, ValueError):
        raise KeysetError(
            f"{source}: not an encrypted keyset as this tfx-vigil writes it: restore it from its "
            "copy"
        ) from None
    try:
        return AESGCM(_key(secret, salt)).decrypt(nonce, sealed, _associated(header))
    except InvalidTag:
        raise KeysetError(
            f"{source}: the passphrase from {place} does not open this keyset: give the one it was "
            "encrypted with, or, if the file is damaged, restore it from its copy"
        ) from None


def _key(secret: str, salt: bytes) -> bytes:
    normal = unicodedata.normalize("NFC", secret).encode()
    scrypt = Scrypt(salt=salt, length=KEY_BYTES, n=_KDF["n"], r=_KDF["r"], p=_KDF["p"])
    return scrypt.derive(normal)


def _associated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
