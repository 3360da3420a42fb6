"""Dead letters that hold their records, as ``tfx-vigil ingest`` leaves them, without a person's.

It runs where it is called: raw identifiers are in no job's graph.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

import orjson
from apache_beam.io.filesystems import FileSystems

from ..accounting import check_identity
from .edit_files import FileResult
from .file_rows import NewFile, clear, sweep

_WORD = rb"0-9A-Za-z_"
_NESTED = 3
_STABLE = 8
_ESCAPE = re.compile(rb"((?:\\u[0-9a-fA-F]{4})+)|\\(.)", re.DOTALL)
_CONTROL = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


def erase_letters(paths: Iterable[str], needles: Iterable[str]) -> list[FileResult]:
    """Drops the dead letters whose record holds one of the raw identifiers ``needles``.

    An identifier is found as a word of its own, in any case: as it is, escaped as in JSON,
    percent-encoded as in URLs, these up to 3 times over; as base64, and from 7 bytes on anywhere
    in base64. A file in which nothing is found is only read; ``edit_files`` says how others are
    replaced.

    Args:
      paths: ``dead_letters-*.jsonl.gz``.
      needles: not empty texts.

    Returns:
      A result for each file; its rows are letters.

    Raises:
      ValueError: a line is no dead letter; it is not quoted, and its file is left as it was.
    """
    search = _Search(needles)
    paths = sorted(set(paths))
    try:
        return [_erase(path, search) for path in paths]
    finally:
        clear(paths)


def _erase(path: str, search: _Search) -> FileResult:
    sweep(path)
    found = Counter(is_theirs for _, is_theirs in _letters(path, search))
    read, kept, removed = found.total(), found[False], found[True]
    if removed:
        try:
            kept = _rewrite(path, search)
        except BaseException:
            sweep(path)
            raise
    counts = {"letters_read": read, "letters_kept": kept, "letters_removed": removed}
    check_identity(counts, "letters_read", ["letters_kept", "letters_removed"])
    return FileResult(path, read, kept, removed, 0)


def _rewrite(path: str, search: _Search) -> int:
    new, kept = NewFile(path), 0
    for line, is_theirs in _letters(path, search):
        if not is_theirs:
            new.write(line)
            kept += 1
    new.close()
    new.rename(path)
    return kept


def _letters(path: str, search: _Search) -> Iterator[tuple[bytes, bool]]:
    """The lines of a file, and whether each holds what is sought."""
    with FileSystems.open(path) as file:
        while line := file.readline():
            if line.strip():
                yield line, search.finds(_text_of(path, line))


def _text_of(path: str, line: bytes) -> bytes:
    """A letter's record, and its file and reason, which might name a person too."""
    try:
        letter = orjson.loads(line)
        record = base64.b64decode(letter.get("bytes", ""), validate=True)
        return b"\0".join([record, letter["file"].encode(), letter["reason"].encode()])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(f"{path}: a line of it is no dead letter") from None


class _Search:
    def __init__(self, needles: Iterable[str]):
        raw = [needle.encode() for needle in needles]
        if not all(raw):
            raise ValueError("an empty identifier stands in every dead letter")
        words = b"|".join(re.escape(needle).replace(rb"\ ", b"[ +]") for needle in raw)
        around = b"(?<![%b])(?:%b)(?![%b])"
        self._words = re.compile(around % (_WORD, words, _WORD), re.IGNORECASE)
        alone = b"|".join(re.escape(base64.b64encode(needle).rstrip(b"=")) for needle in raw)
        self._alone = re.compile(around % (_WORD + b"+/", alone, _WORD + b"+/"))
        self._within = [form for needle in raw for form in _base64_forms(needle)]

    def finds(self, data: bytes) -> bool:
        seen, forms = set(), {data}
        for _ in range(1 + _NESTED):
            if any(map(self._stands_in, forms)):
                return True
            seen |= forms
            decoded = (decode(form) for form in forms for decode in (_unescape, unquote_to_bytes))
            forms = set(decoded) - seen
        return False

    def _stands_in(self, data: bytes) -> bool:
        if self._words.search(data) or self._alone.search(data):
            return True
        return any(form in data for form in self._within)


def _unescape(data: bytes) -> bytes:
    """Escapes of JSON (RFC 8259, section 7) replaced by what they stand for, as UTF-8."""
    return _ESCAPE.sub(_unescaped, data)


def _unescaped(match: re.Match[bytes]) -> bytes:
    codes, character = match.groups()
    if codes:
        units = bytes.fromhex(codes.replace(rb"\u", b"").decode())
        return units.decode("utf-16-be", "replace").encode()
    return _CONTROL.get(character, character)


def _base64_forms(needle: bytes) -> list[bytes]:
    """What of base64 is the same whatever stands before and after the needle in what it encodes;
    not of short needles, of which too little is."""
    forms = []
    for before in range(3):
        code = base64.b64encode(bytes(before) + needle)
        stable = code[-(-before * 8 // 6) : (before + len(needle)) * 8 // 6]
        forms += [stable, stable.translate(bytes.maketrans(b"+/", b"-_"))]
    return [form for form in forms if len(form) >= _STABLE]
