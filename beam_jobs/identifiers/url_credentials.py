"""Passwords and tokens in URLs: ``user:password@`` and values of parameters such as ``api_key=``.

Found by place and name, without a check. Of a parameter only the value is found, of four
characters at least; of the part before a host both user and password. Not found: secrets under
other names, in a path, or in JSON.

Reference: RFC 3986, sections 3.2.1 and 3.4; RFC 6750, section 2.3.
"""

from __future__ import annotations

import re

from .kind import HIDDEN, Kind, by_pattern

_VALUE = rf"[^\s&#;\"'<>{HIDDEN}]{{4,}}"
_SCHEME = "[A-Za-z][A-Za-z0-9+.-]{1,20}://"
_USER = re.compile(rf"{_SCHEME}(?P<span>[^\s/?#@:{HIDDEN}]*:[^\s/?#@{HIDDEN}]+)@")
_NAMES = (
    "(?:access|auth|bearer|id|refresh|security|session|sas)[_-]?token|token|jwt|api[_-]?key|apikey"
    "|access[_-]?key|private[_-]?key|secret|client[_-]?secret|secret[_-]?key|password|passwd|pwd"
    "|sig|signature|x-amz-(?:signature|security-token|credential)|session[_-]?id|phpsessid|sid"
)
_PARAMETER = re.compile(
    rf"(?<![^?&;#\s{HIDDEN}])(?:{_NAMES})=(?P<span>{_VALUE})", re.ASCII | re.IGNORECASE
)


def user_info() -> Kind:
    return by_pattern("URL_CREDENTIALS", "://[^/?#@]*:[^/?#@]+@", _USER, _length)


def parameters() -> Kind:
    return by_pattern("URL_CREDENTIALS", rf"(?i)(?:^|[?&;#\s])(?:{_NAMES})=", _PARAMETER, _length)


def _length(match: re.Match[str]) -> int:
    return len(match["span"])
