"""The keys of one keyset version for one pseudonymization domain."""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class DomainKeys:
    """Gives each keyed method a key of its own, for one domain (a table, a purpose).

    Keys are derived by HKDF-SHA256 (RFC 5869) from a secret of the keyset, with the purpose and
    the domain as ``info``: neither two purposes nor two domains share a key, so that what they
    make of one value cannot be linked. It holds secrets: it cannot be pickled, its repr hides
    them.

    Args:
      root: the keyset's root secret, the same in every version.
      material: the secret of this version.
      domain: holds no zero byte.
    """

    def __init__(self, root: bytes, material: bytes, version: int, domain: str):
        self.version = version
        self._root = root
        self._material = material
        self._domain = domain.encode()

    @property
    def label(self) -> bytes:
        """What labelled pseudonyms of this version begin with, such as ``v2.``"""
        return b"v%d." % self.version

    def lasting(self, purpose: str, size: int = 32) -> bytes:
        """A key of ``size`` bytes that all versions share."""
        return self._derived(self._root, purpose, size)

    def versioned(self, purpose: str, size: int = 32) -> bytes:
        """A key of ``size`` bytes that is gone when this version is destroyed."""
        return self._derived(self._material, purpose, size)

    def _derived(self, secret: bytes, purpose: str, size: int) -> bytes:
        info = b"\0".join([b"tfx-vigil", purpose.encode(), self._domain])
        return HKDF(SHA256(), size, salt=None, info=info).derive(secret)

    def __repr__(self) -> str:
        return f"DomainKeys(version={self.version}, keys hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never pickled: workers read the keyset by its source")
