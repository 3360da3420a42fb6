"""What every kind of identifier offers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

HIDDEN = "\0"
"""What stands for each character that belongs to a span found before."""


class Span(NamedTuple):
    """``text[start:end]`` is an identifier of ``kind``."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Kind:
    """One way to find identifiers.

    Attributes:
      hints: RE2 patterns over bytes; a value in which any of them is missing has no span.
      find: the spans of a text, in order and apart. None begins, ends or hides in a ``HIDDEN``.
    """

    hints: tuple[str, ...]
    find: Callable[[str], list[Span]]


def by_pattern(
    name: str,
    hint: str,
    pattern: re.Pattern[str],
    length_of: Callable[[re.Match[str]], int] = lambda match: len(match[0]),
) -> Kind:
    """A kind found where ``pattern`` matches and ``length_of`` tells how much of it is one.

    ``length_of`` returns 0 for what is none. Where ``pattern`` has a group ``span``, that is the
    identifier, and what is around it its context.
    """
    group = "span" if "span" in pattern.groupindex else 0

    def find(text: str) -> list[Span]:
        spans = []
        match = pattern.search(text)
        while match:
            start, length = match.start(group), length_of(match)
            if length:
                spans.append(Span(name, start, start + length))
            match = pattern.search(text, start + length if length else match.start() + 1)
        return spans

    return Kind((hint,), find)
