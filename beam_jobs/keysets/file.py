"""Keysets in owner-only files."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import passphrase
from .document import is_encrypted, read_document, write_document
from .keyset import KeyInfo, Keyset, KeysetError, new_keyset
from .owner_only import read_owner_only, require_safe_folder


class FileKeys:
    """The keyset in the file ``path``, plain or encrypted (see ``document``).

    What is written is encrypted when the file was, or when the environment gives a passphrase.
    A file is replaced whole, under a lock on its folder; symbolic links stay, what they name is
    replaced.
    """

    def __init__(self, path: str):
        self.source = os.path.realpath(os.path.expanduser(path))

    def load(self) -> Keyset:
        return self._read()[0]

    def versions(self) -> tuple[KeyInfo, ...]:
        return self.load().infos

    def create(self) -> Keyset:
        """Makes a keyset with one random key, whole or not at all.

        Raises:
          KeysetError: there is a file already; of several creators exactly one succeeds.
        """
        keyset = new_keyset(self.source)
        folder = os.path.dirname(self.source)
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            require_safe_folder(self.source, "the keyset")
            with _written(folder, write_document(keyset, _given())) as temporary:
                _link(temporary, self.source)
            _sync(folder)
        except OSError as error:
            raise KeysetError(f"{self.source}: cannot be made: {error.strerror}") from None
        return keyset

    def rotate(self) -> Keyset:
        return self._change(Keyset.rotated)

    def destroy(self, version: int) -> Keyset:
        return self._change(lambda keyset: keyset.without(version))

    @property
    def is_encrypted(self) -> bool:
        return is_encrypted(read_owner_only(self.source, "the keyset"))

    def _change(self, change: Callable[[Keyset], Keyset]) -> Keyset:
        folder = os.path.dirname(self.source)
        try:
            with _locked(folder):
                old, secret = self._read()
                new = change(old)
                with _written(folder, write_document(new, secret or _given())) as temporary:
                    os.replace(temporary, self.source)
                _sync(folder)
        except OSError as error:
            raise KeysetError(f"{self.source}: cannot be changed: {error.strerror}") from None
        return new

    def _read(self) -> tuple[Keyset, str | None]:
        return read_document(self.source, read_owner_only(self.source, "the keyset"))


def _given() -> str | None:
    found = passphrase.given()
    return found and found[0]


@contextmanager
def _written(folder: str, content: bytes) -> Iterator[str]:
    """A complete owner-only temporary file in ``folder``, gone at the end."""
    # mkstemp opens with O_EXCL and mode 0600.
    descriptor, temporary = tempfile.mkstemp(dir=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        yield temporary
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _link(temporary: str, path: str) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise KeysetError(f"{path}: exists already: rotate it, or choose another") from None


@contextmanager
def _locked(folder: str) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
