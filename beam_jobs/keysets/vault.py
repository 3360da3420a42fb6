"""Keysets in HashiCorp Vault's Transit secrets engine."""

from __future__ import annotations

import base64
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .keyset import Key, KeyInfo, Keyset, KeysetError, check_destroyable

if TYPE_CHECKING:
    from .vault_api import Transit

_PURPOSE = base64.b64encode(b"tfx-vigil keyset").decode()
_NAME = re.compile(r"(?P<mount>[\w./-]*\w)/(?P<key>\w(?:[\w.-]*\w)?)")


class VaultKeys:
    """The keyset of the Transit keys KEY and KEY-root at the mount MOUNT; ``name``: MOUNT/KEY.

    Transit gives no key away. The secret of version n is its HMAC-SHA-256 of a fixed input under
    version n of KEY; the root is the same under version 1 of KEY-root, which is never rotated.
    So nothing is stored anywhere else, Vault's rotation (by hand or ``auto_rotate_period``) is
    the keyset's, and a version that Vault has trimmed is destroyed.

    Rights that a token's policy needs, all on MOUNT: to load, ``read`` on ``keys/KEY`` and
    ``update`` on ``hmac/KEY`` and ``hmac/KEY-root``; to rotate, ``update`` on
    ``keys/KEY/rotate``; to destroy, ``update`` on ``keys/KEY/config`` and ``keys/KEY/trim``; to
    create, ``create`` and ``update`` on ``keys/KEY`` and ``keys/KEY-root``.

    Reference: Vault's API documentation, "Transit secrets engine".
    """

    def __init__(self, name: str):
        self.source = f"vault:{name}"
        match = _NAME.fullmatch(name)
        if not match:
            raise KeysetError(f"{self.source}: write vault:MOUNT/KEY, such as vault:transit/tfx")
        self._mount, self._key = match["mount"], match["key"]
        self._root_key = f"{self._key}-root"

    def load(self) -> Keyset:
        transit = self._transit()
        infos = self._infos(transit)
        root = transit.hmac(self._root_key, 1, _PURPOSE)
        keys = (
            Key(
                info.version,
                info.created,
                transit.hmac(self._key, info.version, _PURPOSE)
                if info.status == "enabled"
                else None,
                info.status,
            )
            for info in infos
        )
        return Keyset(self.source, root, infos[-1].version, tuple(keys))

    def versions(self) -> tuple[KeyInfo, ...]:
        return self._infos(self._transit())

    def create(self) -> Keyset:
        transit = self._transit()
        if transit.exists(self._key):
            raise KeysetError(f"{self.source}: exists already: rotate it, or choose another")
        # KEY comes last: where it is, all is.
        for name in (self._root_key, self._key):
            transit.create(name)
        return self.load()

    def rotate(self) -> Keyset:
        self._transit().rotate(self._key)
        return self.load()

    def destroy(self, version: int) -> Keyset:
        """Deletes a version, the oldest there is: Vault deletes no other.

        Raises:
          KeysetError: an older version is left, or as for every provider.
        """
        transit = self._transit()
        infos = self._infos(transit)
        check_destroyable(self.source, infos, version)
        oldest = next(info.version for info in infos if info.status != "destroyed")
        if version != oldest:
            raise KeysetError(
                f"{self.source}: Vault deletes key versions oldest first: destroy version {oldest} "
                f"before {version}"
            )
        transit.trim(self._key, version + 1)
        return self.load()

    def _transit(self) -> Transit:
        from .vault_api import Transit  # its client takes long to import

        return Transit(self.source, self._mount)

    def _infos(self, transit: Transit) -> tuple[KeyInfo, ...]:
        about = transit.read(self._key)
        latest = about["latest_version"]
        allowed = max(about["min_decryption_version"], about["min_encryption_version"])
        return tuple(
            KeyInfo(
                version=version,
                created=_created(about["keys"].get(str(version))),
                status="destroyed"
                if version < about["min_available_version"]
                else "disabled"
                if version < allowed
                else "enabled",
                primary=version == latest,
            )
            for version in range(1, latest + 1)
        )


def _created(told: Any) -> str:
    """Transit tells seconds since 1970 of symmetric keys, ISO 8601 of others, and nothing of
    versions below ``min_decryption_version``."""
    if isinstance(told, int):
        return datetime.fromtimestamp(told, timezone.utc).isoformat(timespec="seconds")
    return told["creation_time"] if told else "unknown"
