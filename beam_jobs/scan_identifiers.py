"""Finds identifiers inside text: e-mail, IBAN, payment card, IP address, phone number.

Precision comes from checks, not from patterns alone: check digits for cards (Luhn, ISO/IEC
7812-1) and IBANs (ISO 13616), numbering plans for phones (libphonenumber), the address grammar
for IPs. What remains ambiguous is a finding: a version ``10.2.3.4`` standing alone is an address,
and about one in ten digit strings with a card's prefix and length passes Luhn.

Not found: names, postal addresses, phone numbers as bare digits without ``+``, digits other than
ASCII, identifiers encoded (beyond ``%40`` for @) or split over values, and numbers in numeric
fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_interface

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum import iban, luhn

_FILE_SUFFIXES = ("css", "gif", "jpeg", "jpg", "js", "png", "svg", "webp")
_EMAIL = re.compile(
    r"[\w.%+'-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.)+(?:xn--[a-z0-9-]+|[^\W\d_]{2,63})(?![\w-])",
    re.IGNORECASE,
)
_IBAN = re.compile(
    r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}(?![A-Z0-9])", re.IGNORECASE
)
_CARD = re.compile(
    r"(?<![\w.+-])(?:[0-9]{14,19}"
    r"|[0-9]{4}(?P<a>[ -])[0-9]{4}(?P=a)[0-9]{4}(?P=a)[0-9]{2,4}(?:(?P=a)[0-9]{1,3})?"
    r"|[0-9]{4}(?P<b>[ -])[0-9]{6}(?P=b)[0-9]{4,5})(?!\.?[\w-])"
)
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[A-F:]*[0-9])[0-9A-F]{0,4}(?::[0-9A-F]{0,4}){2,8}(?:(?:\.[0-9]{1,3}){3})?"
    r"(?:/[0-9]{1,3})?(?![\w:])",
    re.IGNORECASE,
)
_IPV4 = re.compile(
    r"(?<![\w.-])(?<!\w/)[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?:/[0-9]{1,2})?(?!\.?\w)(?!-\w)"
)
_INTERNATIONAL = "(?:\\+|\uff0b)(?:[^0-9]{0,12}[0-9]){7}"
_PLAIN_NUMBER = re.compile(r"\W*[0-9]+(?:\.[0-9]+)?\W*")
_NATIONAL = "[0-9](?:[^0-9]{0,12}[0-9]){6}"

# Issuer number ranges: lowest and highest prefix, lengths. Visa's 13 digits, no longer issued,
# are left out: European article numbers look the same.
_CARD_RANGES = (
    ("4", "4", (16, 19)),
    ("51", "55", (16,)),
    ("2221", "2720", (16,)),
    ("34", "34", (15,)),
    ("37", "37", (15,)),
    ("6011", "6011", (16, 19)),
    ("644", "659", (16, 19)),
    ("300", "305", (14, 16)),
    ("36", "36", (14, 16, 19)),
    ("38", "39", (14, 16)),
    ("3528", "3589", (16, 19)),
    ("62", "62", (16, 17, 18, 19)),
)


@dataclass(frozen=True)
class _Detector:
    """``hint``: an RE2 pattern over bytes without which ``redact`` changes nothing."""

    kind: str
    hint: str
    redact: Callable[[str], str]


class IdentifierScanner:
    """Redacts the identifiers inside text values.

    Args:
      phone_region: see ``PrivacyConfig.phone_region``.
    """

    def __init__(self, phone_region: str | None = None):
        self._detectors = (
            _Detector("EMAIL", "@|%40", partial(_redact, _EMAIL, "[EMAIL]", _email_length)),
            _Detector(
                "IBAN",
                "(?:^|[^A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11}",
                partial(_redact, _IBAN, "[IBAN]", _iban_length),
            ),
            _Detector(
                "CARD",
                r"(?:^|[^\w.+-])[0-9](?:[ -]?[0-9]){13}",
                partial(_redact, _CARD, "[CARD]", _card_length),
            ),
            _Detector(
                "IP", "::|(?:[0-9A-Fa-f]{1,4}:){6}", partial(_redact, _IPV6, "[IP]", _ip_length)
            ),
            _Detector(
                "IP",
                r"(?:^|[^\w.-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
                partial(_redact, _IPV4, "[IP]", _ip_length),
            ),
            _phone_detector(phone_region),
        )

    def scan_text(self, text: str) -> tuple[str, set[str]]:
        """``text`` with each identifier replaced by ``[KIND]``, and the kinds found."""
        kinds = set()
        for detector in self._detectors:
            redacted = detector.redact(text)
            if redacted != text:
                kinds.add(detector.kind)
                text = redacted
        return text, kinds

    def scan(self, values: pa.Array) -> tuple[pa.Array, dict[str, list[int]]]:
        """Scans an array of text without nulls.

        Returns:
          The array with identifiers replaced, and the positions of the values in which each
          kind was found. Bytes that are not UTF-8 are kept as they are.
        """
        data = values.cast(pa.large_binary())
        redacted: dict[int, str] = {}
        found: dict[str, set[int]] = {}
        for detector in self._detectors:
            hinted = pc.match_substring_regex(data, detector.hint).to_numpy(zero_copy_only=False)
            for position in map(int, np.flatnonzero(hinted)):
                before = redacted.get(position)
                if before is None:
                    before = data[position].as_py().decode("utf-8", "surrogateescape")
                after = detector.redact(before)
                if after != before:
                    redacted[position] = after
                    found.setdefault(detector.kind, set()).add(position)
        if not found:
            return values, {}
        positions = sorted(redacted)
        mask = np.zeros(len(values), bool)
        mask[positions] = True
        replacements = [redacted[i].encode("utf-8", "surrogateescape") for i in positions]
        result = pc.replace_with_mask(
            data, pa.array(mask), pa.array(replacements, pa.large_binary())
        )
        return result.cast(values.type), {kind: sorted(at) for kind, at in found.items()}


def _redact(
    pattern: re.Pattern[str], label: str, length_of: Callable[[str], int], text: str
) -> str:
    """Replaces what ``pattern`` matches, as far as ``length_of`` accepts it, by ``label``."""
    parts, end, start = [], 0, 0
    while match := pattern.search(text, start):
        if length := length_of(match[0]):
            parts += [text[end : match.start()], label]
            start = end = match.start() + length
        else:
            start = match.start() + 1
    return "".join([*parts, text[end:]])


def _email_length(text: str) -> int:
    return 0 if text.lower().rpartition(".")[2] in _FILE_SUFFIXES else len(text)


def _iban_length(text: str) -> int:
    """The longest valid IBAN that ends where a word does."""
    gaps = [gap.start() for gap in re.finditer("[ -]", text)]
    return next((end for end in (len(text), *reversed(gaps)) if iban.is_valid(text[:end])), 0)


def _card_length(text: str) -> int:
    digits = re.sub("[ -]", "", text)
    issued = any(
        low <= digits[: len(low)] <= high and len(digits) in lengths
        for low, high, lengths in _CARD_RANGES
    )
    return len(text) if issued and luhn.is_valid(digits) else 0


def _ip_length(text: str) -> int:
    """Networks, loopback and the unspecified address point to nobody."""
    try:
        interface = ip_interface(text)
    except ValueError:
        return 0
    network = interface.network
    is_network = network.num_addresses > 1 and interface.ip == network.network_address
    is_nobody = is_network or interface.ip.is_loopback or interface.ip.is_unspecified
    return 0 if is_nobody else len(text)


def _phone_detector(region: str | None) -> _Detector:
    hint = _NATIONAL if region else _INTERNATIONAL
    return _Detector("PHONE", hint, partial(_redact_phones, re.compile(hint), region))


def _redact_phones(hint: re.Pattern[str], region: str | None, text: str) -> str:
    if not hint.search(text):
        return text
    parts, end = [], 0
    for match in PhoneNumberMatcher(text, region, leniency=Leniency.STRICT_GROUPING):
        if _is_written_as_phone(match.raw_string):
            parts += [text[end : match.start], "[PHONE]"]
            end = match.end
    return "".join([*parts, text[end:]])


def _is_written_as_phone(raw: str) -> bool:
    """Bare digits are more often an id or a time, and one point makes a decimal number."""
    if sum(character in "0123456789" for character in raw) < 7:
        return False
    return "+" in raw or "\uff0b" in raw or not _PLAIN_NUMBER.fullmatch(raw)
