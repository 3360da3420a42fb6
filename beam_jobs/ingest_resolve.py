"""Between the passes: keys that met by request id become orders for each unit of the logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput

from .ingest_account import COUNTS, Tally
from .ingest_config import Window
from .ingest_keys import (
    ANSWERS,
    CALLS,
    CHOSEN,
    JOINED,
    LABELS,
    REFUSED,
    Packed,
    pack,
    places_by,
    unpack,
)
from .join_calls import Calls, Refusal, codes, column, join_calls
from .join_ground_truth import Joined, join_labels


class Resolve(beam.DoFn):
    """A partition's keys to (unit, packed order): CHOSEN, JOINED and REFUSED of ``ingest_keys``.

    Output besides: a Tally for each partition. awaits: the format logs answers as records of
    their own.
    """

    def __init__(self, window: Window, awaits: bool):
        self._window = window
        self._awaits = awaits

    def process(self, keyed: tuple[int, Iterable[Packed]]) -> Iterator[Any]:
        tally, tables = Tally(), unpack(keyed[1])
        answers, labels = tables[ANSWERS], tables[LABELS]
        call_codes, answer_codes, label_codes = codes(
            *(tables[kind]["id"] for kind in (CALLS, ANSWERS, LABELS))
        )
        calls, serving, refusals = join_calls(
            tables[CALLS], call_codes, answers, answer_codes, self._window, self._awaits, tally
        )
        joined = join_labels(labels, label_codes, calls, self._window, tally)
        yield from _chosen(calls, serving, joined, answers)
        yield from _joined(calls, joined, labels)
        for refusal in refusals:
            yield from _refused(calls, answers, refusal)
        yield TaggedOutput(COUNTS, tally.counts)


def _chosen(
    calls: Calls, serving: np.ndarray, joined: Joined, answers: pa.Table
) -> Iterator[tuple[int, Packed]]:
    needed = serving.copy()
    needed[joined.call] = True
    leads = np.zeros(len(needed), bool)
    _, firsts = np.unique(calls.code[serving], return_index=True)
    leads[np.flatnonzero(serving)[firsts]] = True
    places = np.flatnonzero(needed)
    for unit, those in places_by(calls.unit[places]):
        those = places[those]
        answer = calls.answer[those]
        columns = {
            "number": calls.number[those],
            "serving": serving[those],
            "leads": leads[those],
            "answer": answers["answer"].take(pa.array(answer, mask=answer < 0)).combine_chunks(),
        }
        yield unit, pack(CHOSEN, columns)


def _joined(calls: Calls, joined: Joined, labels: pa.Table) -> Iterator[tuple[int, Packed]]:
    for unit, those in places_by(calls.unit[joined.call]):
        call, label = joined.call[those], joined.label[those]
        columns = {
            "number": calls.number[call],
            "row": column(labels, "row")[label] - calls.first_row[call],
            "time": column(labels, "time")[label],
            "file": column(labels, "file")[label],
            "corrects": joined.corrects[those],
            "values": labels["values"].take(pa.array(label)).combine_chunks(),
        }
        yield unit, pack(JOINED, columns)


def _refused(calls: Calls, answers: pa.Table, refusal: Refusal) -> Iterator[tuple[int, Packed]]:
    unit, number = (
        (calls.unit, calls.number)
        if refusal.is_call
        else (column(answers, "unit"), column(answers, "number"))
    )
    for of_unit, those in places_by(unit[refusal.places]):
        places = refusal.places[those]
        columns = {
            "number": number[places],
            "is_call": np.full(len(places), refusal.is_call),
            "reason": [refusal.reason] * len(places),
        }
        yield of_unit, pack(REFUSED, columns)
