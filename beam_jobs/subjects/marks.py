"""What stands for one person in treated data, under every key version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from ..domain_keys import DomainKeys
from ..keyed_hashes import keyed_hashes
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
      pseudonyms: for each rule of the policy, a field's name or a pattern of names, what its
        method makes of the identifier under each enabled key version; nothing where the rule is
        about no subject field.
      elsewhere: the same for pseudonyms that are not of subject fields.
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
      ValueError: the policy has no subject field.
    """
    named = {name: config.method_of(name) for name in (*config.fields, *config.tags)}
    rules = {**config.patterns, **named}
    subjects = [rule for rule, method in rules.items() if method and method.role == "subject_id"]
    if not subjects:
        raise ValueError("the policy has no field with the role subject_id: nobody can be found")
    versions, raw = enabled_keys(config), identifier.encode()
    made = {
        rule: _made(method, raw, versions) if isinstance(method, Pseudonym) else frozenset()
        for rule, method in rules.items()
    }
    everything = _made(Hmac(), raw, versions).union(*made.values())
    (tag,) = tags([raw], versions[0])
    return Marks(
        tag,
        {rule: made[rule] if rule in subjects else frozenset() for rule in rules},
        {rule: frozenset() if rule in subjects else made[rule] for rule in rules},
        frozenset(pseudonym for pseudonym in everything if _LABEL.match(pseudonym)),
    )


def enabled_keys(config: PrivacyConfig) -> list[DomainKeys]:
    """The keys of the policy's domain, of each enabled version."""
    keyset = load(config.keyset)
    return [keyset.domain_keys(version, config.domain) for version in keyset.enabled]


def pseudonym_of(method: Pseudonym, raw: bytes, keys: DomainKeys) -> bytes | None:
    """The value's pseudonym; None where the method has none for it, which then cannot be told
    from other such values."""
    (made,) = to_bytes(method.operate(pa.array([raw], pa.large_binary()), keys))
    return None if made == REDACTED.encode() else made


def tags(identifiers: Iterable[bytes], keys: DomainKeys) -> list[str]:
    """For each raw identifier its tag: HMAC-SHA-256 (RFC 2104) under a key that all versions of
    the keyset share, its leftmost 128 bits as hex."""
    hashes = keyed_hashes(keys.lasting(_PURPOSE), identifiers, _TAG_BYTES)
    return [digest.hex() for digest in hashes]


def _made(method: Pseudonym, raw: bytes, versions: list[DomainKeys]) -> frozenset[bytes]:
    made = (pseudonym_of(method, raw, keys) for keys in versions)
    return frozenset(pseudonym for pseudonym in made if pseudonym is not None)
