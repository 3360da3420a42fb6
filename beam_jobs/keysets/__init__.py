"""Keysets: versioned keys, of which the primary makes new pseudonyms."""

from .keyset import KEY_BYTES, Key, KeyInfo, Keyset, KeysetError
from .passphrase import PassphraseNeeded
from .sources import (
    PROVIDERS,
    Provider,
    all_domain_keys,
    create,
    create_if_missing,
    destroy,
    domain_keys,
    is_path,
    load,
    provider_of,
    rotate,
    versions,
)

__all__ = [
    "KEY_BYTES",
    "PROVIDERS",
    "Key",
    "KeyInfo",
    "Keyset",
    "KeysetError",
    "PassphraseNeeded",
    "Provider",
    "all_domain_keys",
    "create",
    "create_if_missing",
    "destroy",
    "domain_keys",
    "is_path",
    "load",
    "provider_of",
    "rotate",
    "versions",
]
