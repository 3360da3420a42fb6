"""E-mail addresses, also with ``%40`` for @ as in URLs, and in other scripts.

The check is the address grammar, less quoted local parts and addresses at an IP; a name of a
picture or style file (``logo@2x.png``) is none. Not found: a host without a dot, and addresses
spelled out (``ada at example dot com``).

Reference: RFC 5321, section 4.1.2; RFC 6531 (internationalised addresses).
"""

from __future__ import annotations

import re

from .kind import Kind, by_pattern

_FILE_SUFFIXES = ("css", "gif", "heic", "jpeg", "jpg", "js", "png", "svg", "webp")
_HINT = r"[\w.%+'\x80-\xff-](?:@|%40)[\w\x80-\xff-]+\."
_PATTERN = re.compile(
    r"(?<![\w.%+'-])[\w.%+'-]+(?:@|%40)(?:[\w-]{1,63}\.)+(?:xn--[a-z0-9-]+|[^\W\d_]{2,63})(?![\w-])",
    re.IGNORECASE,
)


def email() -> Kind:
    return by_pattern("EMAIL", _HINT, _PATTERN, _length)


def _length(match: re.Match[str]) -> int:
    text = match[0]
    return 0 if text.lower().rpartition(".")[2] in _FILE_SUFFIXES else len(text)
