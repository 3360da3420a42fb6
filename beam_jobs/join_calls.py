"""Calls told apart from their duplicates, and put together with their answers.

Everything here and in ``join_ground_truth`` depends only on what the files hold and on the window
[start, end), never on an earlier run: a window can be run again at any time, and consecutive
windows share the work without a state between them. Nor does it depend on the order or the
number of the files.

Row identity is (format, request id, row); of several calls with one identity the first by
(event time, digest of the content) counts, the others are duplicates. Calls without an id are
never duplicates. Where request and response are two records of one id, the first response
answers the request. A request without a response is a failed one (KServe logs only answers with
status 200): its rows have no prediction and the status ``no_response``. A response that has not
one prediction a row rejects the rows of its request (``prediction_count``); a response without a
request counts as one rejected row of the window that holds the response's time
(``response_without_request``). The rows of the ``serving`` split are those with an event time in
the window; rows of other windows are ``rows_outside_window`` whatever else they are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from .ingest_account import Tally
from .ingest_config import Window


class Calls(NamedTuple):
    """Calls in the order of (code, first row, time, digest); codes number the ids.

    first: the first of its identity. fits: has no answer, or one a row. answer: the place of its
    answer among the answers, or -1.
    """

    code: np.ndarray
    first_row: np.ndarray
    length: np.ndarray
    time: np.ndarray
    file: np.ndarray
    unit: np.ndarray
    number: np.ndarray
    first: np.ndarray
    fits: np.ndarray
    answer: np.ndarray

    @property
    def logged(self) -> np.ndarray:
        return self.first & self.fits


class Refusal(NamedTuple):
    """Calls, or answers, that do not fit together: places of them, and why."""

    places: np.ndarray
    is_call: bool
    reason: str


def codes(*ids: pa.ChunkedArray) -> list[np.ndarray]:
    """A number for each id, the same for the same id in all of ``ids``."""
    both = pa.concat_arrays([chunk for column in ids for chunk in column.chunks])
    numbers = both.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    edges = np.cumsum([len(column) for column in ids])[:-1]
    return np.split(numbers, edges)


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].to_numpy()


def join_calls(
    calls: pa.Table,
    call_codes: np.ndarray,
    answers: pa.Table,
    answer_codes: np.ndarray,
    window: Window,
    awaits: bool,
    tally: Tally,
) -> tuple[Calls, np.ndarray, list[Refusal]]:
    """The calls, which of them the serving split has, and what does not fit together.

    awaits: the format logs answers as records of their own.
    """
    first_answer = _first_answers(answers, answer_codes, call_codes)
    time, digest, first_row = (column(calls, name) for name in ("time", "digest", "first_row"))
    order = np.lexsort(
        [column(calls, "number"), column(calls, "unit"), digest, time, first_row, call_codes]
    )
    code, row, length = call_codes[order], first_row[order], column(calls, "length")[order]
    first = np.ones(len(order), bool)
    first[1:] = (code[1:] != code[:-1]) | (row[1:] != row[:-1])
    first |= column(calls, "anonymous")[order]
    answer = np.full(len(order), -1)
    if awaits:
        answer = np.where(column(calls, "answered")[order], -1, first_answer[code])
    fits = answer < 0
    fits[~fits] = column(answers, "length")[answer[~fits]] == length[~fits]
    ordered = Calls(
        code=code,
        first_row=row,
        length=length,
        time=time[order],
        file=column(calls, "file")[order],
        unit=column(calls, "unit")[order],
        number=column(calls, "number")[order],
        first=first,
        fits=fits,
        answer=answer,
    )
    inside = (ordered.time >= window.start) & (ordered.time < window.end)
    misfit = inside & first & ~fits
    for name, those in (
        ("rows_outside_window", ~inside),
        ("rows_duplicate", inside & ~first),
        ("rows_rejected", misfit),
    ):
        tally.add(name, ordered.file[those], length[those])
    unasked = _unasked(answers, answer_codes, first_answer, call_codes, window)
    files = column(answers, "file")[unasked]
    tally.add("rows", files)
    tally.add("rows_rejected", files)
    refusals = [
        Refusal(np.flatnonzero(misfit), True, "prediction_count"),
        Refusal(np.unique(answer[misfit]), False, "prediction_count"),
        Refusal(unasked, False, "response_without_request"),
    ]
    return ordered, inside & first & fits, refusals


def _first_answers(
    answers: pa.Table, answer_codes: np.ndarray, call_codes: np.ndarray
) -> np.ndarray:
    """The place of each code's first answer, or -1."""
    count = 1 + max(answer_codes.max(initial=-1), call_codes.max(initial=-1))
    first = np.full(count, -1)
    keys = [column(answers, name) for name in ("number", "unit", "digest", "time")]
    order = np.lexsort([*keys, answer_codes])
    found, places = np.unique(answer_codes[order], return_index=True)
    first[found] = order[places]
    return first


def _unasked(
    answers: pa.Table,
    answer_codes: np.ndarray,
    first_answer: np.ndarray,
    call_codes: np.ndarray,
    window: Window,
) -> np.ndarray:
    """Answers inside the window, the first of their id, whose request is nowhere."""
    asked = np.zeros(len(first_answer), bool)
    asked[call_codes] = True
    first = first_answer[(first_answer >= 0) & ~asked]
    time = column(answers, "time")[first]
    return first[(time >= window.start) & (time < window.end)]
