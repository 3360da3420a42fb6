"""International bank account numbers, plain or in groups.

The check is ISO 13616: the country's length and structure, and two check digits (mod 97), which
one in 97 random numbers of the right form passes.

Reference: ISO 13616-1; SWIFT's IBAN registry, as python-stdnum has it.
"""

from __future__ import annotations

import re
from functools import cache
from string import ascii_uppercase

from stdnum import numdb

from .kind import Kind, by_pattern

_BODY = "[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}"
_PATTERN = re.compile(f"(?<![A-Z0-9]){_BODY}(?![A-Z0-9])", re.ASCII | re.IGNORECASE)
_HINT = "(?i)(?:^|[^A-Z0-9])[A-Z]{2}[0-9]{2}[ -]?(?:[A-Z0-9]{4}[ -]?){2}"
_VALUES = {ord(letter): str(10 + n) for n, letter in enumerate(ascii_uppercase)}
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}


def iban() -> Kind:
    return by_pattern("IBAN", _HINT, _PATTERN, _length)


def _length(match: re.Match[str]) -> int:
    text = match[0].upper()
    pattern = _pattern_of(text[:2])
    found = pattern and pattern.match(text)
    if not found:
        return 0
    number = found[0].replace(" ", "").replace("-", "")
    check = int((number[4:] + number[:4]).translate(_VALUES)) % 97
    return found.end() if check == 1 else 0


@cache
def _pattern_of(country: str) -> re.Pattern[str] | None:
    """Numbers of a country, with gaps or without; None where there are no IBANs."""
    structure = numdb.get("iban").info(country)[0][1].get("bban", "")
    parts = re.findall("([0-9]+)!([nac])", f"2!a2!n{structure}")
    signs = (_CLASSES[kind] for size, kind in parts for _ in range(int(size)))
    return re.compile("[ -]?".join(signs) + "(?![A-Z0-9])") if structure else None
