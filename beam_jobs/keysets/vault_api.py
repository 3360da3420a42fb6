"""What is asked of Vault's Transit API, each failure as one clear error."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hvac
import requests
from hvac import exceptions

from .keyset import KEY_BYTES, KeysetError

TIMEOUT_SECONDS = 10
_ABOUT = (
    "keys",
    "latest_version",
    "min_available_version",
    "min_decryption_version",
    "min_encryption_version",
)


class Transit:
    """The Transit engine at ``mount`` of the Vault that the environment names, as for Vault's own
    command line: VAULT_ADDR, VAULT_TOKEN or the file ~/.vault-token, VAULT_NAMESPACE,
    VAULT_CACERT.

    Each method raises KeysetError, which says what failed.
    """

    def __init__(self, source: str, mount: str):
        self._source = source
        self._mount = mount
        self._address = os.environ.get("VAULT_ADDR", "")
        if not self._address:
            raise KeysetError(f"{source}: VAULT_ADDR is not set: give Vault's address in it")
        self._client = hvac.Client(
            url=self._address,
            verify=os.environ.get("VAULT_CACERT") or None,
            namespace=os.environ.get("VAULT_NAMESPACE"),
            timeout=TIMEOUT_SECONDS,
        )
        if not self._client.token:
            raise KeysetError(
                f"{source}: no token for Vault: give it in VAULT_TOKEN or ~/.vault-token"
            )

    def read(self, name: str) -> dict[str, Any]:
        """What Transit tells about a key, ``_ABOUT`` at least."""
        with self._asking("read", f"keys/{name}"):
            about = self._api.read_key(name, mount_point=self._mount)["data"]
            return {field: about[field] for field in _ABOUT}

    def exists(self, name: str) -> bool:
        with self._asking("read", f"keys/{name}"):
            try:
                self._api.read_key(name, mount_point=self._mount)
            except exceptions.InvalidPath:
                return False
        return True

    def hmac(self, name: str, version: int, text: str) -> bytes:
        """HMAC-SHA-256 of ``text``, which is base64, under a version of a key."""
        with self._asking("update", f"hmac/{name}"):
            answer = self._api.generate_hmac(
                name, text, key_version=version, algorithm="sha2-256", mount_point=self._mount
            )
            label, _, digest = answer["data"]["hmac"].rpartition(":")
            secret = base64.b64decode(digest, validate=True)
            if label != f"vault:v{version}" or len(secret) != KEY_BYTES:
                raise ValueError("another version or length")
            return secret

    def create(self, name: str) -> None:
        with self._asking("create and update", f"keys/{name}"):
            self._api.create_key(name, key_type="aes256-gcm96", mount_point=self._mount)

    def rotate(self, name: str) -> None:
        with self._asking("update", f"keys/{name}/rotate"):
            self._api.rotate_key(name, mount_point=self._mount)

    def trim(self, name: str, oldest: int) -> None:
        """Deletes the versions before ``oldest``, once they are disabled."""
        with self._asking("update", f"keys/{name}/config"):
            # Vault wants encryption >= decryption >= available at each step.
            for setting in ("min_encryption_version", "min_decryption_version"):
                if self.read(name)[setting] < oldest:
                    self._api.update_key_configuration(
                        name, mount_point=self._mount, **{setting: oldest}
                    )
        with self._asking("update", f"keys/{name}/trim"):
            self._api.trim_key(name, oldest, mount_point=self._mount)

    @property
    def _api(self) -> Any:
        return self._client.secrets.transit

    @contextmanager
    def _asking(self, right: str, path: str) -> Iterator[None]:
        try:
            yield
        except KeysetError:
            raise
        except (requests.RequestException, exceptions.VaultError) as error:
            raise KeysetError(f"{self._source}: {self._why(error, right, path)}") from None
        except (AttributeError, KeyError, TypeError, ValueError):
            raise KeysetError(
                f"{self._source}: {self._address} does not answer as Vault's Transit does: see "
                "VAULT_ADDR"
            ) from None

    def _why(self, error: Exception, right: str, path: str) -> str:
        """Quotes what Vault says about a refused request; its words hold no key."""
        full = f"{self._mount}/{path}"
        match error:
            case requests.exceptions.SSLError():
                return f"the certificate of {self._address} is not trusted: see VAULT_CACERT"
            case requests.Timeout():
                return f"Vault at {self._address} does not answer within {TIMEOUT_SECONDS} s"
            case requests.RequestException():
                return f"Vault at {self._address} is not reachable: see VAULT_ADDR"
            case exceptions.VaultDown():
                return f"Vault at {self._address} is sealed or in maintenance: unseal it"
            case exceptions.Forbidden() if self._token_is_valid():
                return f"Vault's policy for this token lacks {right!r} on {full}"
            case exceptions.Forbidden():
                return "Vault refuses the token, which is wrong or has expired: get a new one"
            case exceptions.InvalidPath() if "no handler for route" in str(error):
                return f"Vault has no secrets engine at {self._mount}: enable transit there"
            case exceptions.InvalidPath():
                return f"Vault has no {full}: make it by tfx-vigil keys new {self._source}"
            case exceptions.InvalidRequest():
                return f"Vault refuses {full}: {', '.join(error.errors or [])}"
        return f"Vault fails on {full} with {type(error).__name__}: see its log"

    def _token_is_valid(self) -> bool:
        try:
            self._client.auth.token.lookup_self()
        except (requests.RequestException, exceptions.VaultError):
            return False
        return True
