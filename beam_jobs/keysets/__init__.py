"""Keysets: versioned keys, of which the primary makes new pseudonyms."""

from .keyset import (
    ENVIRONMENT,
    KEY_BYTES,
    Key,
    Keyset,
    KeysetError,
    create,
    create_if_missing,
    load,
    rotate,
)

__all__ = [
    "ENVIRONMENT",
    "KEY_BYTES",
    "Key",
    "Keyset",
    "KeysetError",
    "create",
    "create_if_missing",
    "load",
    "rotate",
]
