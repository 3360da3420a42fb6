"""A keyset as a JSON document, as it lies in a file or an environment variable.

::

    {"root": "<base64 of 32 bytes>", "primary": 2,
     "versions": [{"version": 1, "created": "2025-01-31T09:00:00+00:00",
                   "status": "enabled", "key": "<base64 of 32 bytes>"}, ...],
     "sha256": "<hex digest of all else>"}

A destroyed version has no key. The digest finds damage, which a key would not show. With a
passphrase this document is the content of an encrypted one (see ``encryption``).
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from . import encryption, passphrase
from .keyset import KEY_BYTES, Key, Keyset, KeysetError


def write_document(keyset: Keyset, secret: str | None) -> bytes:
    """The document of ``keyset``, encrypted by the passphrase ``secret`` unless it is None.

    Raises:
      KeysetError: the passphrase is too short.
    """
    content: dict[str, Any] = {
        "root": base64.b64encode(keyset.root).decode(),
        "primary": keyset.primary,
        "versions": [_entry(key) for key in keyset.versions],
    }
    content["sha256"] = _digest(content)
    text = json.dumps(content, indent=1).encode()
    return text if secret is None else encryption.encrypt(text, secret)


def read_document(source: str, text: bytes | str) -> tuple[Keyset, str | None]:
    """The keyset of a document, and the passphrase that opened it; None for a plain one.

    Raises:
      KeysetError: it is damaged, or the passphrase is missing or another one.
    """
    document, secret = _object(source, text), None
    if encryption.is_encrypted(document):
        secret, place = passphrase.find(source)
        document = _object(source, encryption.decrypt(source, document, secret, place))
    try:
        keyset = _parse(source, document)
    except (KeyError, TypeError, ValueError):
        raise _damaged(source) from None
    keyset.key(keyset.primary)
    return keyset, secret


def is_encrypted(text: bytes | str) -> bool:
    """Whether a document is an encrypted one."""
    return encryption.is_encrypted(_object("", text))


def _object(source: str, text: bytes | str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(source) from None
    if not isinstance(document, dict):
        raise _damaged(source)
    return document


def _damaged(source: str) -> KeysetError:
    return KeysetError(f"{source}: not a valid keyset: restore it from its copy")


def _parse(source: str, document: dict[str, Any]) -> Keyset:
    if document.pop("sha256") != _digest(document):
        raise ValueError("another digest")
    keys = tuple(
        Key(
            version=int(entry["version"]),
            created=str(entry["created"]),
            material=_secret(entry["key"]) if entry["status"] == "enabled" else None,
            status={"enabled": "enabled", "destroyed": "destroyed"}[entry["status"]],
        )
        for entry in document["versions"]
    )
    if len({key.version for key in keys}) != len(keys):
        raise ValueError("version repeated")
    return Keyset(source, _secret(document["root"]), int(document["primary"]), keys)


def _secret(text: str) -> bytes:
    secret = base64.b64decode(text, validate=True)
    if len(secret) != KEY_BYTES:
        raise ValueError("wrong length")
    return secret


def _entry(key: Key) -> dict[str, Any]:
    entry = {"version": key.version, "created": key.created, "status": key.status}
    if key.material is not None:
        entry["key"] = base64.b64encode(key.material).decode()
    return entry


def _digest(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
