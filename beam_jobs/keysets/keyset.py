"""Keysets: versioned keys, of which the primary makes new pseudonyms."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Literal, NoReturn

from ..domain_keys import DomainKeys

KEY_BYTES = 32
Status = Literal["enabled", "disabled", "destroyed"]


class KeysetError(ValueError):
    """A keyset cannot be used; the message says which, why and what to do, and holds no secret."""


@dataclass(frozen=True)
class KeyInfo:
    """What may be shown of a key version. ``created``: ISO 8601, or ``unknown``."""

    version: int
    created: str
    status: Status
    primary: bool


@dataclass(frozen=True)
class Key:
    """One key version; cannot be pickled, and its repr hides the key.

    ``material``: None where the status is not ``enabled``.
    """

    version: int
    created: str
    material: bytes | None = field(repr=False)
    status: Status = "enabled"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled: workers load the keyset by its source")


@dataclass(frozen=True)
class Keyset:
    """The keys of ``source``.

    The root is the same in every version (see ``domain_keys``). Without the keyset pseudonyms can
    be neither repeated nor traced back: keep a copy of it where the data is not.
    """

    source: str
    root: bytes = field(repr=False)
    primary: int
    versions: tuple[Key, ...]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyset is never pickled: workers load it by its source")

    def key(self, version: int) -> Key:
        """The key of a version; raises KeysetError when there is none or it is not enabled."""
        status = {key.version: key.status for key in self.versions}.get(version)
        if status == "destroyed":
            raise KeysetError(
                f"{self.source}: key version {version} was destroyed: what it made can be neither "
                "repeated nor moved to another version"
            )
        if status == "disabled":
            raise KeysetError(f"{self.source}: key version {version} is disabled: enable it there")
        if status is None:
            raise KeysetError(f"{self.source}: no key version {version}: restore it from its copy")
        return next(key for key in self.versions if key.version == version)

    @property
    def enabled(self) -> list[int]:
        """The versions that can be used, oldest first."""
        return sorted(key.version for key in self.versions if key.status == "enabled")

    def domain_keys(self, version: int, domain: str) -> DomainKeys:
        """The keys of a version for a domain; raises KeysetError as ``key`` does."""
        return DomainKeys(self.root, self.key(version).material, version, domain)

    @property
    def infos(self) -> tuple[KeyInfo, ...]:
        return tuple(
            KeyInfo(key.version, key.created, key.status, key.version == self.primary)
            for key in self.versions
        )

    def rotated(self) -> Keyset:
        """With one more key, the primary; earlier ones stay enabled."""
        version = max(key.version for key in self.versions) + 1
        return replace(self, primary=version, versions=(*self.versions, _new_key(version)))

    def without(self, version: int) -> Keyset:
        """With the key of a version gone; raises KeysetError where ``check_destroyable`` does."""
        check_destroyable(self.source, self.infos, version)
        gone = (
            replace(key, material=None, status="destroyed") if key.version == version else key
            for key in self.versions
        )
        return replace(self, versions=tuple(gone))


def new_keyset(source: str) -> Keyset:
    """Random keys, one version."""
    return Keyset(source, os.urandom(KEY_BYTES), 1, (_new_key(1),))


def check_destroyable(source: str, infos: tuple[KeyInfo, ...], version: int) -> None:
    """Raises KeysetError for the primary, an unknown version and one that is destroyed."""
    info = next((info for info in infos if info.version == version), None)
    if info is None:
        known = ", ".join(str(info.version) for info in infos)
        raise KeysetError(f"{source}: no key version {version}; there are {known}")
    if info.primary:
        raise KeysetError(
            f"{source}: key version {version} is the primary, which makes new pseudonyms: "
            "rotate and rewrap first"
        )
    if info.status == "destroyed":
        raise KeysetError(f"{source}: key version {version} is destroyed already")


def _new_key(version: int) -> Key:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Key(version, now, os.urandom(KEY_BYTES))
