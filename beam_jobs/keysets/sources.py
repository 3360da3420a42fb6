"""Keysets by their source: the interface of key providers, and which one serves a source.

A source is a path of a file, or ``PREFIX:NAME``: ``env:NAME`` (``environment``) or
``vault:MOUNT/KEY`` (``vault``). An installed package may add a provider, say for a cloud's KMS, as
an entry point of the group ``tfx_vigil.key_providers``: its name is the prefix, its object is
called with NAME and gives a ``Provider``.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Protocol

from ..domain_keys import DomainKeys
from .environment import EnvironmentKeys
from .file import FileKeys
from .keyset import KeyInfo, Keyset, KeysetError
from .vault import VaultKeys

PROVIDERS = "tfx_vigil.key_providers"


class Provider(Protocol):
    """Keeps the keys of one keyset. Each method raises KeysetError when it cannot be done.

    ``source``: the same text for the same keyset, and one by which a worker finds it.
    """

    source: str

    def load(self) -> Keyset: ...

    def versions(self) -> tuple[KeyInfo, ...]:
        """The key versions, oldest first, destroyed ones among them."""

    def create(self) -> Keyset:
        """Makes a keyset; refuses where there is one."""

    def rotate(self) -> Keyset:
        """Adds a random key version and makes it primary; earlier ones stay enabled."""

    def destroy(self, version: int) -> Keyset:
        """Deletes the key of a version for ever; refuses for the primary."""


_BUILT_IN: dict[str, Callable[[str], Provider]] = {"env": EnvironmentKeys, "vault": VaultKeys}
_PREFIX = re.compile(r"([a-z][a-z0-9_-]*):")
_loaded: dict[str, Keyset] = {}
_loading = threading.Lock()


def is_path(source: str) -> bool:
    """Whether ``source`` names a file."""
    return not _PREFIX.match(source)


def provider_of(source: str) -> Provider:
    """Raises KeysetError when no provider has the prefix of ``source``."""
    match = _PREFIX.match(source)
    if not match:
        return FileKeys(source)
    prefix, name = match[1], source[match.end() :]
    if prefix in _BUILT_IN:
        return _BUILT_IN[prefix](name)
    installed = {entry.name: entry for entry in entry_points(group=PROVIDERS)}
    if prefix not in installed:
        known = ", ".join(f"{name}:" for name in sorted({*_BUILT_IN, *installed}))
        raise KeysetError(
            f"{source}: no key provider is called {prefix!r}; there are {known}, and for a file "
            "write its path, ./ before it"
        )
    return installed[prefix].load()(name)


def load(source: str) -> Keyset:
    """The keyset as it is now.

    Raises:
      KeysetError: it is missing, open to others than its owner, damaged, or out of reach.
    """
    provider = provider_of(source)
    return _remember(provider.load())


def create(source: str) -> Keyset:
    """Makes a keyset with one random key."""
    return _remember(provider_of(source).create())


def create_if_missing(source: str) -> bool:
    """Makes the keyset file ``source`` unless it is there; returns whether it did.

    Keys elsewhere are made by those who keep them, with ``create``.
    """
    provider = provider_of(source)
    if not isinstance(provider, FileKeys) or os.path.exists(provider.source):
        return False
    create(source)
    return True


def rotate(source: str) -> Keyset:
    """Adds a random key version and makes it primary; earlier versions stay enabled."""
    return _remember(provider_of(source).rotate())


def destroy(source: str, version: int) -> Keyset:
    """Deletes the key of a version for ever: its pseudonyms are unlinkable from then on."""
    return _remember(provider_of(source).destroy(version))


def versions(source: str) -> tuple[KeyInfo, ...]:
    """What may be shown of the key versions, oldest first."""
    return provider_of(source).versions()


def domain_keys(source: str, version: int, domain: str) -> DomainKeys:
    """The keys of a version for a domain, fetched once in a process.

    A job's launcher calls ``load``, and names the version; its workers call this.

    Raises:
      KeysetError: as ``load``, or the keyset has no such version that is enabled.
    """
    return _fetched(source, version).domain_keys(version, domain)


def all_domain_keys(source: str, version: int, domain: str) -> dict[int, DomainKeys]:
    """The same of all versions that are enabled when ``version`` is, by version."""
    keyset = _fetched(source, version)
    keyset.key(version)
    return {each: keyset.domain_keys(each, domain) for each in keyset.enabled}


def _fetched(source: str, version: int) -> Keyset:
    with _loading:
        keyset = _loaded.get(provider_of(source).source)
        if keyset is None or version not in keyset.enabled:
            keyset = load(source)
    return keyset


def _remember(keyset: Keyset) -> Keyset:
    _loaded[keyset.source] = keyset
    return keyset
