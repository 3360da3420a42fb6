"""Phone numbers: international ones, and national ones of a region as people write them.

The check is libphonenumber's numbering plans: country code, prefix and length have to be in use.
International numbers need their ``+`` (or ``%2B``) and may be grouped in any way. National ones
are found in groups that libphonenumber knows for the region, with the trunk prefix where it is
usual, and as bare digits after a word such as ``phone``: elsewhere bare digits are more often an
id or a time. Not found: extensions, numbers of fewer than seven digits, digits other than ASCII.

Reference: ITU-T E.164, E.123; libphonenumber's metadata, as phonenumbers has it.
"""

from __future__ import annotations

import re
from functools import cache

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.data import _ALT_NUMBER_FORMATS

from .kind import HIDDEN, Kind, by_pattern

_TYPES = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "pager",
    "uan",
    "voicemail",
)
_PLUS = "(?:\\+|\uff0b|%2B)"
_GAP = "[ .()/\u00a0\u2010\u2011-]"
_HINT_GAP = r"[ .()/\x80-\xff-]{1,6}"
_INTERNATIONAL = re.compile(
    rf"(?<![0-9]){_PLUS}{_GAP}{{0,2}}[1-9](?:{_GAP}{{0,3}}[0-9]){{6,14}}(?![0-9])"
)
_NO_DIGIT = re.compile(r"%2B|\(0\)|[^0-9]")
_LAST_GROUP = re.compile(f"(?:{_GAP}+|^)[^ .()/\u00a0\u2010\u2011-]+$")
_WORDS = "phone|tel|mobil|m.{1,2}vil|handy|cell|call|fax|sms|whatsapp|rufnummer|anruf|num.{1,2}ro"
_CALLED = re.compile(
    rf"(?:{_WORDS})[^0-9+{HIDDEN}]{{1,16}}(?P<span>[0-9]{{7,12}})(?![\w+-]|[.,:][0-9])",
    re.ASCII | re.IGNORECASE,
)


def international() -> Kind:
    hint = f"{_PLUS}[^0-9]{{0,6}}[1-9](?:[^0-9]{{0,12}}[0-9]){{6}}"
    return by_pattern("PHONE", hint, _INTERNATIONAL, _international_length)


def national(region: str) -> Kind:
    """Grouped numbers of a region (ISO 3166-1 alpha-2)."""
    plan = PhoneMetadata.metadata_for_region(region)
    groups = f"(?:{'|'.join(sorted(_groupings(plan)))})"
    written = groups.replace("GAP", f"(?:\\) ?|{_GAP}{{1,2}})")
    pattern = re.compile(
        r"(?<![\w+$€£%])(?<![0-9][.,:/-])(?<![A-Za-z][-_/])(?:\((?=[^()]{1,8}\)))?"
        rf"{written}(?!\w|[.,:/-][0-9]|-\w|%)"
    )

    def length(match: re.Match[str]) -> int:
        digits = re.sub("[^0-9]", "", match[0])
        return len(match[0]) if len(digits) >= 7 and _is_in_plan(digits, plan) else 0

    return by_pattern("PHONE", "(?:^|[^0-9])" + groups.replace("GAP", _HINT_GAP), pattern, length)


def after_word(region: str) -> Kind:
    """Bare digits of a region after a word that announces a number."""
    plan = PhoneMetadata.metadata_for_region(region)

    def length(match: re.Match[str]) -> int:
        return len(match["span"]) if _is_in_plan(match["span"], plan) else 0

    kind = by_pattern("PHONE", f"(?i){_WORDS}", _CALLED, length)
    return Kind(("[0-9]{7}", *kind.hints), kind.find)


def _international_length(match: re.Match[str]) -> int:
    """The longest valid number that ends where a group does."""
    text = match[0]
    while len(digits := _NO_DIGIT.sub("", text)) >= 7:
        if any(_is_in_plan(digits[size:], plan) for size, plan in _plans(digits)):
            return len(text)
        text = _LAST_GROUP.sub("", text)
    return 0


def _plans(digits: str) -> list[tuple[int, PhoneMetadata]]:
    """The plans of the country code that a number begins with, and the code's length."""
    size = next((n for n in (1, 2, 3) if int(digits[:n]) in COUNTRY_CODE_TO_REGION_CODE), 0)
    return [(size, plan) for plan in _plans_of(int(digits[:size]))] if size else []


@cache
def _plans_of(code: int) -> list[PhoneMetadata]:
    regions = COUNTRY_CODE_TO_REGION_CODE[code]
    if regions == ("001",):
        return [PhoneMetadata.metadata_for_nongeo_region(code)]
    return [PhoneMetadata.metadata_for_region(region) for region in regions]


def _is_in_plan(digits: str, plan: PhoneMetadata) -> bool:
    valid, prefix = _numbers_of(plan.id, plan.country_code)
    if valid.fullmatch(digits):
        return True
    return bool(prefix and digits.startswith(prefix) and valid.fullmatch(digits[len(prefix) :]))


@cache
def _numbers_of(region: str, code: int) -> tuple[re.Pattern[str], str | None]:
    """What a significant number of a plan looks like, and the plan's trunk prefix."""
    plan = next(plan for plan in _plans_of(code) if plan.id == region)
    kinds = [getattr(plan, name) for name in _TYPES]
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None]
    kind = "|".join(pattern for pattern in patterns if pattern)
    general = plan.general_desc.national_number_pattern
    return re.compile(f"(?=(?:{general})$)(?:{kind})", re.ASCII), plan.national_prefix


def _groupings(plan: PhoneMetadata) -> set[str]:
    """Patterns of the groups in which a region's numbers are written, with ``GAP`` between."""
    prefix = plan.national_prefix
    is_usual = any(
        rule.startswith(prefix) and not written.national_prefix_optional_when_formatting
        for written in plan.number_format
        if prefix and (rule := written.national_prefix_formatting_rule)
    )
    trunk = f"{prefix}(?:GAP)?" if prefix else ""
    lead = trunk if is_usual else f"(?:{trunk})?"
    alternatives = _ALT_NUMBER_FORMATS.get(plan.country_code, ())
    patterns = {written.pattern for written in (*plan.number_format, *alternatives)}
    split = (re.split(r"\)\((?!\?)", pattern[1:-1]) for pattern in patterns)
    return {
        lead + "GAP".join(groups).replace(r"\d", "[0-9]") for groups in split if len(groups) > 1
    }
