"""What stands in a text in place of an identifier: ``[EMAIL]``, or ``[EMAIL:v1.<pseudonym>]``."""

from __future__ import annotations

import re

from .kind import HIDDEN

_KINDS = "API_KEY|CARD|EMAIL|IBAN|IP|MAC|NAME|NATIONAL_ID|PHONE|PLACE|URL_CREDENTIALS"
_LABEL = re.compile(rf"\[(?:{_KINDS})(?::v[0-9]+\.[0-9a-f]{{32}})?\]")


def label(kind: str, pseudonym: str | None = None) -> str:
    return f"[{kind}:{pseudonym}]" if pseudonym else f"[{kind}]"


def hide_labels(text: str) -> str:
    """The text with its labels hidden, so that nothing in them is found."""
    return _LABEL.sub(lambda match: HIDDEN * len(match[0]), text)
