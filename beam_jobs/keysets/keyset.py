"""Keysets: versioned keys, of which the primary makes new pseudonyms.

A keyset is an owner-only file, named by its path, or an environment variable, named ``env:NAME``,
which a container gets from its platform's secret store. Either holds JSON::

    {"root": "<base64 of 32 bytes>", "primary": 2,
     "versions": [{"version": 1, "created": "2025-01-31T09:00:00+00:00",
                   "key": "<base64 of 32 bytes>", "status": "enabled"}, ...]}

The root is the same in every version (see ``domain_keys``). A version of any other status than
``enabled`` is never used. Without the keyset pseudonyms can be neither repeated nor traced back:
keep a copy of it where the data is not.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import NoReturn

from ..domain_keys import DomainKeys

KEY_BYTES = 32
ENVIRONMENT = "env:"


class KeysetError(ValueError):
    """A keyset is missing, unsafe or damaged; the message says which file and what to do."""


@dataclass(frozen=True)
class Key:
    """One key version; cannot be pickled, and its repr hides the key."""

    version: int
    created: str
    material: bytes = field(repr=False)
    status: str = "enabled"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key is never pickled: workers read the keyset by its path")


@dataclass(frozen=True)
class Keyset:
    path: str
    root: bytes = field(repr=False)
    primary: int
    versions: tuple[Key, ...]

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyset is never pickled: workers read it by its source")

    def domain_keys(self, version: int, domain: str) -> DomainKeys:
        """The keys of a version for a domain; raises KeysetError as ``key`` does."""
        return DomainKeys(self.root, self.key(version).material, version, domain)

    def key(self, version: int) -> Key:
        """The key of a version; raises KeysetError when there is none or it is not enabled."""
        for key in self.versions:
            if key.version == version and key.status == "enabled":
                return key
        raise KeysetError(
            f"{self.path}: no enabled key version {version}: restore it from its copy"
        )


def create(path: str) -> Keyset:
    """Makes a keyset with one random key at ``path``, whole or not at all.

    Raises:
      KeysetError: there is a file already; of several creators exactly one succeeds.
    """
    path = _resolve(path)
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    keyset = Keyset(path, os.urandom(KEY_BYTES), 1, (_new_key(1),))
    with _written(keyset) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise KeysetError(f"{path}: exists already: rotate it, or choose another") from None
    return keyset


def create_if_missing(source: str) -> bool:
    """Makes the keyset file ``source`` unless it is there; returns whether it did."""
    if source.startswith(ENVIRONMENT) or os.path.exists(_resolve(source)):
        return False
    create(source)
    return True


def rotate(path: str) -> Keyset:
    """Adds a random key version and makes it primary; earlier versions stay enabled."""
    path = _resolve(path)
    with _locked(os.path.dirname(path)):
        old = load(path)
        version = max(key.version for key in old.versions) + 1
        keyset = Keyset(path, old.root, version, (*old.versions, _new_key(version)))
        with _written(keyset) as temporary:
            os.replace(temporary, path)
    return keyset


def load(source: str) -> Keyset:
    """Reads the keyset in the file or environment variable ``source``.

    Raises:
      KeysetError: it is missing, open to others than its owner, or damaged.
    """
    if source.startswith(ENVIRONMENT):
        content = os.environ.get(source.removeprefix(ENVIRONMENT))
        if not content:
            raise KeysetError(f"{source}: this environment variable, the keyset, is not set")
    else:
        source = _resolve(source)
        content = _read_private(source)
    try:
        keyset = _parse(source, json.loads(content))
    except (KeyError, TypeError, ValueError):
        raise KeysetError(f"{source}: not a valid keyset: restore it from its copy") from None
    keyset.key(keyset.primary)
    return keyset


def _read_private(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except OSError as error:
        raise KeysetError(f"{path}: cannot read the keyset: {error.strerror}") from None
    if mode & 0o077:
        raise KeysetError(
            f"{path}: others than its owner may use this keyset (mode {mode:04o}): "
            f"chmod 600 {path}, and rotate it if they could have read it"
        )
    return content


def _resolve(path: str) -> str:
    return os.path.realpath(os.path.expanduser(path))


def _parse(path: str, document: dict) -> Keyset:
    keys = tuple(
        Key(
            version=int(entry["version"]),
            created=str(entry["created"]),
            material=base64.b64decode(entry["key"], validate=True),
            status=str(entry["status"]),
        )
        for entry in document["versions"]
    )
    if any(len(key.material) != KEY_BYTES for key in keys):
        raise ValueError("wrong key length")
    if len({key.version for key in keys}) != len(keys):
        raise ValueError("version repeated")
    root = base64.b64decode(document["root"], validate=True)
    if len(root) != KEY_BYTES:
        raise ValueError("wrong root length")
    return Keyset(path, root, int(document["primary"]), keys)


def _new_key(version: int) -> Key:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return Key(version, now, os.urandom(KEY_BYTES))


@contextmanager
def _written(keyset: Keyset) -> Iterator[str]:
    """A complete owner-only temporary file beside the keyset, gone at the end."""
    document = {
        "root": base64.b64encode(keyset.root).decode(),
        "primary": keyset.primary,
        "versions": [
            {
                "version": key.version,
                "created": key.created,
                "key": base64.b64encode(key.material).decode(),
                "status": key.status,
            }
            for key in keyset.versions
        ],
    }
    # mkstemp opens with O_EXCL and mode 0600.
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(keyset.path))
    try:
        with open(descriptor, "w") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(descriptor)
        yield temporary
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


@contextmanager
def _locked(directory: str) -> Iterator[None]:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
