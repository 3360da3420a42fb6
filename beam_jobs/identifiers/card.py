"""Payment card numbers of 14 to 19 digits, plain or in the groups printed on cards.

The check is the issuer's range with its lengths, and the Luhn check digit, which one in ten
random numbers of such a range passes. Visa's 13 digits, no longer issued, are left out: European
article numbers look the same.

Reference: ISO/IEC 7812-1, annex B (Luhn); the networks' published ranges.
"""

from __future__ import annotations

import re
from functools import cache

from .kind import Kind, by_pattern

_BODY = (
    "(?:[3-6][0-9]{13,18}|2[2-7][0-9]{14}"
    "|[2-6][0-9]{3}(?: [0-9]{4}){2} [0-9]{2,4}(?: [0-9]{1,3})?"
    "|[2-6][0-9]{3}(?:-[0-9]{4}){2}-[0-9]{2,4}(?:-[0-9]{1,3})?"
    "|3[0-9]{3}(?: [0-9]{6} |-[0-9]{6}-)[0-9]{4,5})"
)
_PATTERN = re.compile(rf"(?<![\w.+-]){_BODY}(?!\.?[\w-])")
_HINT = rf"(?:^|[^\w.+-]){_BODY}(?:$|[^\w-])"
_DOUBLED = str.maketrans("0123456789", "0246813579")
# Lowest and highest prefix, lengths.
_RANGES = (
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


def card() -> Kind:
    return by_pattern("CARD", _HINT, _PATTERN, _length)


def _length(match: re.Match[str]) -> int:
    digits = match[0].replace(" ", "").replace("-", "")
    issued = len(digits) in _lengths(digits[:4])
    return len(match[0]) if issued and _is_luhn(digits) else 0


def _is_luhn(digits: str) -> bool:
    """What stdnum.luhn says of digits, in a third of its time."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    return (sum(map(int, digits[::-2])) + sum(map(int, doubled))) % 10 == 0


@cache
def _lengths(prefix: str) -> set[int]:
    ranges = ((low <= prefix[: len(low)] <= high, lengths) for low, high, lengths in _RANGES)
    return {length for issued, lengths in ranges if issued for length in lengths}
