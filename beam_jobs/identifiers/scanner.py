"""Finds identifiers in columns of text, and puts labels in their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from . import api_key, card, email, iban, ip, mac, national_id, phone, url_credentials
from .kind import HIDDEN, Kind, Span
from .labels import hide_labels, label
from .names import NameFinder

_ANY_HINT = r"[0-9@=]|://|-----BEGIN|[\w.~+/:-]{15}"
"""What every identifier has; most prose has not."""
_ROUNDS = 8


class IdentifierScanner:
    """Finds identifiers by hints over the whole column, and looks closer at hinted values only.

    What one kind has found is hidden from the next one, and what is left is scanned again until
    nothing more is found: a second scan of the result finds nothing. A text in which more is found
    again and again counts as one identifier from end to end. Labels of an earlier scan are passed
    over.

    Args:
      phone_region, names_model: see ``PrivacyConfig``.

    Raises:
      NamesError: there is no such model.
    """

    def __init__(self, phone_region: str | None = None, names_model: str | None = None):
        self._names = NameFinder(names_model) if names_model else None
        self._kinds = [
            api_key.private_key(),
            api_key.api_key(),
            api_key.bearer(),
            url_credentials.user_info(),
            url_credentials.parameters(),
            email.email(),
            iban.iban(),
            card.card(),
            ip.ipv6(),
            mac.mac(),
            ip.ipv4(),
            national_id.written(),
            national_id.announced(),
            phone.international(),
        ]
        if phone_region:
            self._kinds += [phone.national(phone_region), phone.after_word(phone_region)]

    def find(self, values: pa.Array) -> dict[int, list[Span]]:
        """The spans of each value that has some, by its position, in order and apart.

        Args:
          values: text or bytes without nulls. Spans count the characters of the value decoded
            with ``surrogateescape``, so that each byte that is no UTF-8 is one.
        """
        return self._find(values.cast(pa.large_binary()))[0]

    def find_in_text(self, text: str) -> list[Span]:
        """The spans of one text, in order and apart; no names."""
        found: list[Span] = []
        left = hide_labels(text)
        for _ in range(_ROUNDS):
            before = len(found)
            for kind in self._kinds:
                if spans := kind.find(left):
                    found += spans
                    left = _hidden(left, spans)
            if len(found) == before:
                return _in_order(found)
        return [Span(found[-1].kind, 0, len(text))]

    def scan(
        self, values: pa.Array, pseudonyms_of: Callable[[pa.Array], pa.Array] | None = None
    ) -> tuple[pa.Array, dict[str, list[int]]]:
        """Replaces the identifiers in text without nulls by their labels.

        Args:
          pseudonyms_of: gives distinct identifiers the pseudonyms of the ``hmac`` method, which
            their labels then hold; without it labels are bare.

        Returns:
          The array, and the positions of the values in which each kind was found.
        """
        data = values.cast(pa.large_binary())
        found, texts = self._find(data)
        if not found:
            return values, {}
        kinds: dict[str, list[int]] = {}
        for at, spans in found.items():
            for kind in {span.kind for span in spans}:
                kinds.setdefault(kind, []).append(at)
        pseudonyms = _pseudonyms(found, texts, pseudonyms_of) if pseudonyms_of else {}
        labelled = [_encoded(_labelled(texts[at], found[at], pseudonyms)) for at in found]
        mask = np.zeros(len(values), bool)
        mask[list(found)] = True
        result = pc.replace_with_mask(data, pa.array(mask), pa.array(labelled, pa.large_binary()))
        return result.cast(values.type), kinds

    def scan_text(self, text: str) -> tuple[str, set[str]]:
        """``text`` with each identifier replaced by ``[KIND]``, and the kinds found."""
        spans = self.find_in_text(text)
        return _labelled(text, spans, {}), {span.kind for span in spans}

    def _find(self, data: pa.Array) -> tuple[dict[int, list[Span]], dict[int, str]]:
        """The spans by position, in order, and the texts of those positions and some more."""
        found: dict[int, list[Span]] = {}
        texts: dict[int, str] = {}
        places, rest = np.arange(len(data)), data
        for n in range(_ROUNDS):
            places, rest = _having(places, rest, _ANY_HINT)
            new, seen, left = self._find_once(places, rest) if len(rest) else ({}, {}, {})
            if not new:
                break
            if n == 0:
                found, texts = new, seen
            else:
                for at, spans in new.items():
                    whole = [Span(spans[-1].kind, 0, len(texts[at]))]
                    found[at] = whole if n == _ROUNDS - 1 else found[at] + spans
            places = np.array(list(new))
            rest = pa.array([_encoded(left[at]) for at in new], pa.large_binary())
        if self._names:
            self._add_names(data, found, texts)
        return {at: _in_order(spans) for at, spans in sorted(found.items())}, texts

    def _add_names(
        self, data: pa.Array, found: dict[int, list[Span]], texts: dict[int, str]
    ) -> None:
        """Names in what the other kinds have left of each value."""
        values = enumerate(data.to_pylist())
        texts |= {at: value.decode("utf-8", "surrogateescape") for at, value in values}
        left = [
            _hidden(hide_labels(texts[at]), _in_order(found.get(at, []))) for at in range(len(data))
        ]
        for at, spans in enumerate(self._names.find(left)):
            if spans:
                found[at] = found.get(at, []) + spans

    def _find_once(
        self, places: np.ndarray, data: pa.Array
    ) -> tuple[dict[int, list[Span]], dict[int, str], dict[int, str]]:
        """The spans by position, the texts looked at, and what is left to find more in."""
        found: dict[int, list[Span]] = {}
        texts: dict[int, str] = {}
        left: dict[int, str] = {}
        for kind in self._kinds:
            hinted, values = places, data
            for hint in kind.hints:
                hinted, values = _having(hinted, values, hint)
            hinted = hinted.tolist()
            for at, value in zip(hinted, values.to_numpy(zero_copy_only=False), strict=True):
                if at not in left:
                    texts[at] = text = value.decode("utf-8", "surrogateescape")
                    left[at] = hide_labels(text) if "[" in text else text
            for n, spans, hidden in _find_in_each([left[at] for at in hinted], kind):
                at = hinted[n]
                found[at] = found[at] + spans if at in found else spans
                left[at] = hidden
        return found, texts, left


def _find_in_each(texts: list[str], kind: Kind) -> Iterator[tuple[int, list[Span], str]]:
    """The position, spans and rest of each text with some, found in all texts at once: a call for
    each text would cost more than the search."""
    joined = HIDDEN.join(texts)
    spans = kind.find(joined)
    if not spans:
        return
    ends = np.cumsum([len(text) + 1 for text in texts])
    owners = np.searchsorted(ends, [span.start for span in spans], side="right").tolist()
    hidden, ends = _hidden(joined, spans), ends.tolist()
    for n, group in groupby(zip(owners, spans, strict=True), key=itemgetter(0)):
        end = ends[n] - 1
        start = end - len(texts[n])
        its = [Span(kind, begin - start, stop - start) for _, (kind, begin, stop) in group]
        yield n, its, hidden[start:end]


def _having(places: np.ndarray, data: pa.Array, hint: str) -> tuple[np.ndarray, pa.Array]:
    """The values in which a hint is found, and their places."""
    hinted = pc.match_substring_regex(data, hint)
    return places[hinted.to_numpy(zero_copy_only=False)], data.filter(hinted)


def _pseudonyms(
    found: dict[int, list[Span]],
    texts: dict[int, str],
    pseudonyms_of: Callable[[pa.Array], pa.Array],
) -> dict[str, str]:
    """The pseudonym of each identifier found, by its text."""
    identifiers = sorted({texts[at][s.start : s.end] for at, spans in found.items() for s in spans})
    values = pa.array(map(_encoded, identifiers), pa.large_binary())
    pseudonyms = pseudonyms_of(values).to_pylist()
    return {text: value.decode() for text, value in zip(identifiers, pseudonyms, strict=True)}


def _labelled(text: str, spans: list[Span], pseudonyms: dict[str, str]) -> str:
    parts, last = [], 0
    for kind, start, end in spans:
        parts += text[last:start], label(kind, pseudonyms.get(text[start:end]))
        last = end
    parts.append(text[last:])
    return "".join(parts)


def _in_order(spans: list[Span]) -> list[Span]:
    return sorted(spans, key=itemgetter(1)) if len(spans) > 1 else spans


def _hidden(text: str, spans: list[Span]) -> str:
    """The text with spans, which are in order, hidden."""
    parts, last = [], 0
    for _, start, end in spans:
        parts += text[last:start], HIDDEN * (end - start)
        last = end
    parts.append(text[last:])
    return "".join(parts)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
