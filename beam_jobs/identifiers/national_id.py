"""National identity, tax and insurance numbers of about forty countries.

The check is each country's own (see ``national_id_table``). Found without more are forms that
little else has; digits whose check one in ten or twenty numbers passes only up to 40 characters
after a word that announces them, such as ``NHS``, with or without separators. Two ids have no
check digit: US SSNs (area, group and serial have to be possible) and UK NINOs (prefix and suffix).
Not found: ids of other countries, of companies, of documents (passports, licences), lower case
letters in most, and Korean numbers assigned since October 2020, which have no check digit.

Reference: python-stdnum, which names the source of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from string import ascii_lowercase, ascii_uppercase

from .kind import HIDDEN, Kind, by_pattern
from .national_id_table import END, NATIONAL_IDS

_START = r"(?<![\w+.-])(?<!\w/)(?=[A-Z]*[ -]?[0-9])"
_END = r"(?![\w+-]|[./:,][0-9])"
_WRITTEN = [
    # With spaces it must stand apart from other digits: a card's groups begin like other numbers.
    (rf"(?<![0-9] ){each.written}(?! [0-9])" if " " in each.written else each.written, each)
    for each in NATIONAL_IDS
    if each.written
]
_FORMS = [(re.compile(f"{_START}(?:{form}){_END}"), each.is_valid) for form, each in _WRITTEN]
_ANY_FORM = re.compile(f"{_START}(?:{'|'.join(f'({form})' for form, _ in _WRITTEN)}){_END}")
_FORM_HINT = "|".join(each.written for _, each in _WRITTEN)
_FORM_HINT = rf"(?:^|[^\w+.-])(?:{_FORM_HINT})(?:$|[^\w+-])"

_ANNOUNCED = [
    (re.compile(each.words, re.ASCII), each.is_valid) for each in NATIONAL_IDS if each.words
]
_ANY_WORD = "|".join(pattern.pattern for pattern, _ in _ANNOUNCED)
_WORDS = re.compile(rf"(?<![^\W_])(?:{_ANY_WORD})", re.ASCII)
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
_WORD_HINT = f"(?i){_ANY_WORD.replace(END, '')}"
_DIGITS = re.compile(r"(?<![\w+])[0-9](?:[ ./-]?[0-9]){6,15}[A-Z]{0,2}(?![\w-]|[.:,][0-9])")
_DIGIT_HINT = "[0-9](?:[ ./-]?[0-9]){6}"
_REACH = 40


def written() -> Kind:
    """Ids in a form that is an id's without a word near it."""
    return by_pattern("NATIONAL_ID", _FORM_HINT, _ANY_FORM, _written_length)


def announced() -> Kind:
    """Ids after a word that announces them."""
    kind = by_pattern("NATIONAL_ID", _WORD_HINT, _DIGITS, _announced_length)
    return Kind((_DIGIT_HINT, *kind.hints), kind.find)


def _written_length(match: re.Match[str]) -> int:
    for pattern, is_valid in _FORMS[match.lastindex - 1 :]:
        found = pattern.match(match.string, match.start())
        if found and is_valid(found[0].replace(" ", "").replace(".", "")):
            return len(found[0])
    return 0


def _announced_length(match: re.Match[str]) -> int:
    context = match.string[max(0, match.start() - _REACH) : match.start()].rpartition(HIDDEN)[2]
    digits = re.sub("[ ./-]", "", match[0])
    checks = (
        is_valid
        for word in _WORDS.findall(context.translate(_LOWER))
        for is_valid in _announced_by(word)
    )
    return len(match[0]) if any(is_valid(digits) for is_valid in checks) else 0


@cache
def _announced_by(word: str) -> list[Callable[[str], bool]]:
    return [is_valid for pattern, is_valid in _ANNOUNCED if pattern.match(word)]
