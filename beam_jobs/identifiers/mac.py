"""MAC addresses: six bytes after ``:`` or ``-``, or three groups after ``.``.

There is no check digit. With ``-`` and ``.`` one digit at least must be a letter, for dates and
numbers look the same; so one address in 300 written so is missed. The null and the broadcast
address are no device's.

Reference: IEEE 802-2014, section 8.
"""

from __future__ import annotations

import re

from .kind import Kind, by_pattern

_BODY = (
    "(?:[0-9A-F]{2}(?::[0-9A-F]{2}){5}|[0-9A-F]{2}(?:-[0-9A-F]{2}){5}"
    r"|[0-9A-F]{4}\.[0-9A-F]{4}\.[0-9A-F]{4})"
)
_PATTERN = re.compile(rf"(?<![\w:.-]){_BODY}(?![\w:-]|\.\w)", re.IGNORECASE)


def mac() -> Kind:
    return by_pattern("MAC", f"(?i){_BODY}", _PATTERN, _length)


def _length(match: re.Match[str]) -> int:
    text = match[0]
    digits = text.replace(":", "").replace("-", "").replace(".", "").lower()
    is_number = ":" not in text and digits.isdecimal()
    return 0 if is_number or digits in ("0" * 12, "f" * 12) else len(text)
