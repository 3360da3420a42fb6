"""Files that nobody but their owner may use."""

from __future__ import annotations

import os
import stat

from .keyset import KeysetError


def read_owner_only(path: str, what: str) -> bytes:
    """The content of a file.

    Args:
      what: what it is, for the errors.

    Raises:
      KeysetError: it cannot be read, is no regular file, or others may use it or replace it.
    """
    try:
        # A FIFO would keep a plain open waiting for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode):
                raise KeysetError(f"{path}: {what} must be a file, and this is none")
            content = file.read()
    except OSError as error:
        raise KeysetError(f"{path}: cannot read {what}: {error.strerror}") from None
    if mode & 0o077:
        raise KeysetError(
            f"{path}: others than its owner may use {what} (mode {stat.S_IMODE(mode):04o}): "
            f"chmod 600 {path}, and replace its secrets if they could have read it"
        )
    require_safe_folder(path, what)
    return content


def require_safe_folder(path: str, what: str) -> None:
    """Raises KeysetError when anyone may replace what lies in the folder of ``path``."""
    folder = os.path.dirname(path) or "."
    mode = os.stat(folder).st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        raise KeysetError(
            f"{path}: anyone may replace {what}, for anyone may write to its folder: "
            f"chmod o-w {folder}"
        )
