"""Where the passphrase of an encrypted keyset comes from; never a command line.

In this order: the environment variable ``TFX_VIGIL_PASSPHRASE``; the owner-only file that
``TFX_VIGIL_PASSPHRASE_FILE`` names (a mounted secret, a systemd credential), without the line
break at its end; the system's keyring, service ``tfx-vigil``, user = the keyset's source, put
there by ``keyring set tfx-vigil /path/of/keyset.json``.
"""

from __future__ import annotations

import os

from .keyset import KeysetError
from .owner_only import read_owner_only

VARIABLE = "TFX_VIGIL_PASSPHRASE"
FILE_VARIABLE = "TFX_VIGIL_PASSPHRASE_FILE"
SERVICE = "tfx-vigil"


class PassphraseNeeded(KeysetError):
    """The keyset is encrypted and no passphrase was found."""


def given() -> tuple[str, str] | None:
    """The passphrase of the environment and where it was, or None.

    Raises:
      KeysetError: its file cannot be used, or holds none.
    """
    if secret := os.environ.get(VARIABLE):
        return secret, VARIABLE
    path = os.environ.get(FILE_VARIABLE)
    if not path:
        return None
    try:
        secret = read_owner_only(path, "the passphrase").decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise KeysetError(f"{path}: the passphrase is no UTF-8 text") from None
    if not secret:
        raise KeysetError(f"{path}: no passphrase is in this file")
    return secret, path


def find(source: str) -> tuple[str, str]:
    """The passphrase of an encrypted keyset and where it was.

    Raises:
      PassphraseNeeded: there is none.
      KeysetError: as ``given``.
    """
    found = given() or _in_keyring(source)
    if found is None:
        raise PassphraseNeeded(
            f"{source}: this keyset is encrypted: give its passphrase in {VARIABLE}, in the file "
            f"that {FILE_VARIABLE} names, or by: keyring set {SERVICE} {source}"
        )
    return found


def _in_keyring(source: str) -> tuple[str, str] | None:
    import keyring

    try:
        secret = keyring.get_password(SERVICE, source)
    except Exception:  # of whatever kind: keyrings are other people's plugins
        return None
    return (secret, "the system's keyring") if secret else None
