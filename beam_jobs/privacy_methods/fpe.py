"""Format-preserving encryption: a card number becomes another card number."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from ..domain_keys import DomainKeys
from .contract import REDACTED, Reversible, is_text, require_text_or_integers
from .ff1 import FF1, MIN_DOMAIN

ALPHABETS = {
    "digits": string.digits,
    "lower": string.digits + string.ascii_lowercase,
    "upper": string.digits + string.ascii_uppercase,
    "alphanumeric": string.digits + string.ascii_lowercase + string.ascii_uppercase,
}
_MAX_LENGTH = 256
_SEPARATOR, _FOREIGN = -1, -2


class Fpe(Reversible):
    """Encrypts the characters of an alphabet among themselves, and keeps length and separators.

    FF1 with AES-256, under a key of the domain and the key version, permutes all strings of one
    length. ``312-555-0142`` becomes, say, ``907-146-3328``: characters of the alphabet are
    encrypted, ASCII punctuation and spaces stay where they are. Equal values get equal pseudonyms
    and other values other ones; which characters are separators, and the length, show.

    No raw value is left: what FF1 cannot treat becomes ``[REDACTED]``, for good. That is a value
    with another letter, digit or control character outside the alphabet; one with so few
    characters of it that fewer than a million strings are possible (5 or fewer digits, 3 or fewer
    alphanumerics), where trying all is easy; and one with more than 256. ``[REDACTED]`` itself
    stays.

    The pseudonym has no room for a label or a check: which key version made it stands in the
    PrivacyReport, and ``reverse`` with other keys gives another value, not an error. ``rewrap``
    takes every value it can decrypt as one of the old version, so it must run once. Prefer
    ``aes_siv`` where the format need not stay.

    Args:
      alphabet: ``digits``; ``lower`` or ``upper``, the digits and ASCII letters of one case;
        ``alphanumeric``, all of these; or the characters themselves, ASCII, each once.
      tweak: text that separates fields: with another tweak equal values get other pseudonyms.

    Reference: NIST SP 800-38G (2016) and the second draft of its Revision 1 (2025), which
    withdraws FF3-1 and demands a million strings; sample vectors of NIST for FF1.
    """

    is_labelled: ClassVar[bool] = False
    method: Literal["fpe"] = "fpe"
    alphabet: str = "digits"
    tweak: str = Field(default="", max_length=256)

    @field_validator("alphabet")
    @classmethod
    def _usable(cls, alphabet: str) -> str:
        characters = ALPHABETS.get(alphabet, alphabet)
        if len(characters) < 2 or len({*characters}) < len(characters):
            raise ValueError(
                f"use one of {', '.join(ALPHABETS)}, or 2 or more different characters"
            )
        if not all(" " <= character <= "~" for character in characters):
            raise ValueError("its characters must be printable ASCII")
        return alphabet

    def validate_type(self, kind: pa.DataType) -> None:
        require_text_or_integers(self.method, kind)

    def operate(self, values: pa.Array, keys: DomainKeys | None) -> pa.Array:
        treated, is_treated = self._crypt(values, self._cipher(keys).encrypt)
        return _replaced(treated, is_treated, REDACTED.encode(), values.type)

    def reverse(self, values: pa.Array, keys: DomainKeys) -> pa.Array:
        plain, is_plain = self._crypt(values, self._cipher(keys).decrypt)
        raw = _large_binary(values)
        if not pc.all(pc.or_(is_plain, pc.equal(raw, REDACTED.encode()))).as_py() and len(raw):
            raise ValueError("a value is no fpe pseudonym: it does not fit the alphabet")
        return _replaced(plain, is_plain, raw, values.type)

    def rewrap(self, values: pa.Array, old: DomainKeys, new: DomainKeys) -> pa.Array:
        plain, is_plain = self._crypt(values, self._cipher(old).decrypt)
        moved, _ = self._crypt(plain, self._cipher(new).encrypt)
        return _replaced(moved, is_plain, _large_binary(values), values.type)

    def _cipher(self, keys: DomainKeys) -> FF1:
        return FF1(keys.versioned(self.method), len(self._characters), self.tweak.encode())

    @property
    def _characters(self) -> bytes:
        return ALPHABETS.get(self.alphabet, self.alphabet).encode()

    def _crypt(
        self, values: pa.Array, cipher: Callable[[np.ndarray], np.ndarray]
    ) -> tuple[pa.Array, pa.Array]:
        """Treated values, and which are: the others hold what they held."""
        values = _large_binary(values)
        if not len(values):
            return values, pa.array([], pa.bool_())
        offsets, text = _bytes_of(values)
        numerals = self._numerals[text]
        row = np.repeat(np.arange(len(values)), np.diff(offsets))
        lengths = np.bincount(row[numerals >= 0], minlength=len(values))
        is_foreign = np.bincount(row[numerals == _FOREIGN], minlength=len(values)) > 0
        is_treated = (lengths >= self._min_length) & (lengths <= _MAX_LENGTH) & ~is_foreign
        is_treated &= ~pc.equal(values, REDACTED.encode()).to_numpy(zero_copy_only=False)
        places = np.flatnonzero(numerals >= 0)
        starts = np.cumsum(lengths) - lengths
        characters = np.frombuffer(self._characters, np.uint8)
        treated = text.copy()
        for length in np.unique(lengths[is_treated]):
            rows = np.flatnonzero(is_treated & (lengths == length))
            at = places[starts[rows][:, None] + np.arange(length)]
            treated[at] = characters[cipher(numerals[at])]
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(treated)]
        array = pa.Array.from_buffers(pa.large_binary(), len(values), buffers)
        return array, pa.array(is_treated)

    @property
    def _numerals(self) -> np.ndarray:
        """For each byte its number in the alphabet, or what else it is."""
        numerals = np.full(256, _FOREIGN, np.int32)
        numerals[list((string.punctuation + " ").encode())] = _SEPARATOR
        numerals[list(self._characters)] = np.arange(len(self._characters))
        return numerals

    @property
    def _min_length(self) -> int:
        radix = len(self._characters)
        return next(n for n in range(2, 21) if radix**n >= MIN_DOMAIN)


def refuse_ff3(policy: Any) -> Any:
    """Raises ValueError for a policy that asks for FF3 or FF3-1."""
    method = policy.get("method") if isinstance(policy, dict) else None
    if isinstance(method, str) and method.lower().startswith("ff3"):
        raise ValueError("NIST withdrew FF3 and FF3-1 after attacks: use fpe, which is FF1")
    return policy


def _large_binary(values: pa.Array) -> pa.Array:
    return (values if is_text(values.type) else values.cast(pa.string())).cast(pa.large_binary())


def _bytes_of(values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Offsets, from 0, into the bytes of all values, and these bytes."""
    _, offsets, text = values.buffers()
    offsets = np.frombuffer(offsets, np.int64)[values.offset : values.offset + len(values) + 1]
    text = np.frombuffer(text or b"", np.uint8)[offsets[0] : offsets[-1]]
    return offsets - offsets[0], text


def _replaced(
    values: pa.Array, keep: pa.Array, others: pa.Array | bytes, kind: pa.DataType
) -> pa.Array:
    """``values`` where ``keep`` is true, else ``others``; as text of ``kind``."""
    if isinstance(others, bytes):
        others = pa.scalar(others, pa.large_binary())
    return pc.if_else(keep, values, others).cast(kind if is_text(kind) else pa.string())
