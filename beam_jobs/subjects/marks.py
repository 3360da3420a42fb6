"""What stands for one person in treated data, under every key version."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ..domain_keys import DomainKeys
from ..keysets import load
from ..privacy_methods import Hmac
from ..privacy_methods.contract import REDACTED, Pseudonym, to_bytes
from ..privacy_policy import PrivacyConfig

_PURPOSE = "subject_register"
_TAG_BYTES = 16
_LABEL = re.compile(rb"v[0-9]+\.")


@dataclass(frozen=True)
class Marks:
    """What is known of one person without the identifier.

    Attributes:
      tag: 32 hex digits, the same in all key versions; see ``tags``.
      pseudonyms: for each subject field what its method makes of the identifier under each
        enabled key version.
      elsewhere: the same for the other fields with pseudonyms.
      mentions: what the person is called inside of texts, where the scanner pseudonymizes, and
        in any other field of the domain: pseudonyms that name their key version.
    """

    tag: str
    pseudonyms: Mapping[str, frozenset[bytes]]
    elsewhere: Mapping[str, frozenset[bytes]] = field(default_factory=dict)
    mentions: frozenset[bytes] = frozenset()


def marks_of(config: PrivacyConfig, identifier: str) -> Marks:
    """The marks of the person whose raw identifier, a value of a subject field, is given.

    Raises:
      KeysetError: the keyset cannot be used.
      ValueError: the policy has no subject field, or none whose method takes this identifier.
    """
    fields = config.subject_fields
    if not fields:
        raise ValueError("the policy has no field with the role subject_id: nobody can be found")
    versions = enabled_keys(config)
    raw = identifier.encode()
    made = {
        name: _made(method, raw, versions)
        for name, method in {"": Hmac(), **config.fields}.items()
        if isinstance(method, Pseudonym)
    }
    pseudonyms = {name: made.pop(name) for name in fields}
    if not any(pseudonyms.values()):
        raise ValueError(f"no subject field ({', '.join(fields)}) can hold this identifier")
    everything = made.pop("").union(*made.values(), *pseudonyms.values())
    (tag,) = tags([raw], versions[0])
    return Marks(tag, pseudonyms, made, frozenset(x for x in everything if _LABEL.match(x)))


def enabled_keys(config: PrivacyConfig) -> list[DomainKeys]:
    """The keys of the policy's domain, of each enabled version."""
    keyset = load(config.keyset)
    return [
        keyset.domain_keys(key.version, config.domain)
        for key in keyset.versions
        if key.status == "enabled"
    ]


def pseudonym_of(method: Pseudonym, raw: bytes, keys: DomainKeys) -> bytes | None:
    """The value's pseudonym; None where the method does not take the value, which then is in no
    treated field, or cannot be told there from others that the method does not take."""
    try:
        (made,) = to_bytes(method.operate(pa.array([raw], pa.large_binary()), keys))
    except ValueError:
        return None
    return None if made == REDACTED.encode() else made


def tags(identifiers: Iterable[bytes], keys: DomainKeys) -> list[str]:
    """For each raw identifier its tag: HMAC-SHA-256 (RFC 2104) under a key that all versions of
    the keyset share, its leftmost 128 bits as hex."""
    state = hmac.new(keys.lasting(_PURPOSE), digestmod=hashlib.sha256)
    return [_tag(state, identifier) for identifier in identifiers]


def _tag(state: hmac.HMAC, identifier: bytes) -> str:
    mac = state.copy()
    mac.update(identifier)
    return mac.digest()[:_TAG_BYTES].hex()


def _made(method: Pseudonym, raw: bytes, versions: list[DomainKeys]) -> frozenset[bytes]:
    made = (pseudonym_of(method, raw, keys) for keys in versions)
    return frozenset(pseudonym for pseudonym in made if pseudonym is not None)
