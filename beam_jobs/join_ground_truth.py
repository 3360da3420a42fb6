"""Labels joined with the rows that they are about.

Let ``e`` be the request's event time, ``a`` the label's arrival, ``h`` the horizon. A label is
eligible when ``|a - e| <= h``, and known from ``max(a, e)`` on. Of a row's eligible labels that
become known in a window the newest by arrival is used: it is *joined*, unless it says what the
newest label known before the window said already. So a label joins once, in the window in which
it becomes known; a newer label that says something else is a correction: where the older one
came in the same window it takes its place, where it came in an earlier window the row is
labelled again and marked ``log_label_corrects``. Two labels of one arrival that disagree
contradict each other: the one with the smaller digest is used, and the pair is counted.

Each label read counts once: *joined* in that window; otherwise, in the window that holds its
arrival (or the moment from which it is known), *orphan* (no request, or one more than ``h`` after
it), *late* (more than ``h`` after its request; if that is out of reach, it counts as an orphan)
or *repeated* (not used: says nothing new, or was replaced within its window); and *outside* in
every other window. An orphan is tried again by each window that reaches it, and joined there if
its request has come. Besides, ``labels_corrected`` and ``labels_contradictory`` count labels that
replaced another one, or disagreed with one of their own time.

Requests are read from ``start - h`` and labels from ``start - 2h`` on, so that each window sees
all labels that could come before those it uses, and all windows choose alike, provided that a
request id comes again only as a retry within ``LONGEST_CALL`` (5 minutes).
"""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from .ingest_account import Tally
from .ingest_config import Window
from .join_calls import Calls, column
from .log_histogram import bins_of
from .log_values import ROWS_OF_A_CALL

_HOUR = 3.6e9


class Joined(NamedTuple):
    """Labels that are used: places of the labels and of their calls, and whether they correct."""

    label: np.ndarray
    call: np.ndarray
    corrects: np.ndarray


def join_labels(
    labels: pa.Table, label_codes: np.ndarray, calls: Calls, window: Window, tally: Tally
) -> Joined:
    row, arrival = column(labels, "row"), column(labels, "time")
    call = _calls_of(label_codes, row, calls)
    event = np.where(call >= 0, calls.time[call] if len(calls.time) else 0, arrival)
    delay = arrival - event
    orphan = (call < 0) | (delay < -window.horizon)
    late = ~orphan & (delay > window.horizon)
    eligible = ~orphan & ~late
    known = np.where(eligible, np.maximum(arrival, event), arrival)
    inside = (known >= window.start) & (known < window.end)
    used, corrects = _use(labels, label_codes, known, eligible, window, tally)
    file = column(labels, "file")
    repeated = eligible & inside
    repeated[used] = False
    for name, those in (
        ("labels_outside_window", ~inside),
        ("labels_orphan", orphan & inside),
        ("labels_late", late & inside),
        ("labels_repeated", repeated),
    ):
        tally.add(name, file[those])
    tally.counts.update({("label_delay_hours", b): n for b, n in bins_of(delay[used] / _HOUR)})
    return Joined(used, call[used], corrects)


def _calls_of(label_codes: np.ndarray, row: np.ndarray, calls: Calls) -> np.ndarray:
    """The place of the logged call that holds each label's row, or -1."""
    places = np.flatnonzero(calls.logged)
    if not len(places):
        return np.full(len(row), -1)
    keys = _row_key(calls.code[places], calls.first_row[places])
    at = np.searchsorted(keys, _row_key(label_codes, row), side="right") - 1
    call = places[at]
    ends = calls.first_row[call] + calls.length[call]
    return np.where((at >= 0) & (calls.code[call] == label_codes) & (row < ends), call, -1)


def _row_key(codes: np.ndarray, row: np.ndarray) -> np.ndarray:
    return codes.astype(np.int64) * ROWS_OF_A_CALL + row


class _Group(NamedTuple):
    """The eligible labels of one row, in the order of arrival and digest."""

    arrival: list[int]
    is_new: list[bool]
    said: list[bytes]


class _Choice(NamedTuple):
    """chosen: the place of the label that is used, or None. before: what was said before the
    window, or None. corrected, contradictory: how many labels were so in the window."""

    chosen: int | None
    before: bytes | None
    corrected: int
    contradictory: int


def _choose(group: _Group) -> _Choice:
    chosen = before = in_force = None
    corrected = contradictory = 0
    for _, members in groupby(range(len(group.arrival)), group.arrival.__getitem__):
        first, *others = members
        said = group.said[first]
        if group.is_new[first]:
            chosen = first
            corrected += in_force not in (None, said)
            contradictory += sum(group.said[i] != said for i in others)
        else:
            before = said
        in_force = said
    if chosen is not None and group.said[chosen] == before:
        chosen = None
    return _Choice(chosen, before, corrected, contradictory)


def _use(
    labels: pa.Table,
    label_codes: np.ndarray,
    known: np.ndarray,
    eligible: np.ndarray,
    window: Window,
    tally: Tally,
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the labels that are used, and which of them correct an earlier window's."""
    arrival, file = column(labels, "time"), column(labels, "file")
    keys = _row_key(label_codes, column(labels, "row"))
    places = np.flatnonzero(eligible & (known < window.end))
    order = places[np.lexsort([column(labels, "digest")[places], arrival[places], keys[places]])]
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    sizes = np.diff(starts, append=len(order))
    alone = order[starts[sizes == 1]]
    used = alone[known[alone] >= window.start].tolist()
    corrects = [False] * len(used)
    for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
        group = order[start : start + size].tolist()
        choice = _choose(
            _Group(
                arrival=[int(arrival[i]) for i in group],
                is_new=[bool(known[i] >= window.start) for i in group],
                said=[labels["values"][i].as_py() for i in group],
            )
        )
        tally.counts["labels_corrected", int(file[group[0]])] += choice.corrected
        tally.counts["labels_contradictory", int(file[group[0]])] += choice.contradictory
        if choice.chosen is not None:
            used.append(group[choice.chosen])
            corrects.append(choice.before is not None)
    return np.array(used, np.int64), np.array(corrects, bool)
