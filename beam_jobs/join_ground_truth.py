"""Calls put together from their pieces, and joined with the ground truth that came for them.

A call's requests, responses and labels meet by request id. Everything below depends only on
what the files hold and on the window [start, end), never on an earlier run: a window can be
run again at any time, and consecutive windows share the work without a state between them.

*Requests.* Row identity is (format, request id, row); of several requests with one identity
the first by (event time, file, offset) counts, the others are duplicates. KServe's request and
response are two records of one id; the first response answers the first request. A request
without a response is a failed one (KServe logs only answers with status 200): its rows have no
prediction and the status ``no_response``. A response that has not one prediction a row
rejects the rows of its request (``prediction_count``); a response without a request counts as
one rejected row of the window that holds the response's time (``response_without_request``).
The rows of the ``serving`` split are those with an event time in the window; rows of other
windows are ``rows_outside_window`` whatever else they are.

*Labels.* Let ``e`` be the request's event time, ``a`` the label's arrival, ``h`` the horizon.
A label is eligible when ``|a - e| <= h``. Of the eligible labels of a row the first by
(arrival, file, offset) is used, in the one window that holds ``max(a, e)``: the moment from
which both are known. Requests are read from ``start - h`` and labels from ``start - 2h`` on, so
each window sees all labels that could come before those it uses, and all windows choose alike.
So no label is used twice, nor are two labels of a row, provided that a request id comes again
only as a retry within ``LONGEST_CALL`` (5 minutes).

Each label read counts once: *joined*, if it is used in this window; otherwise, in the window
that holds its arrival, *orphan* (no request, or one more than ``h`` after it), *late* (more
than ``h`` after its request; if that is out of reach, it counts as an orphan) or *repeated*;
and *outside* in every other window. An orphan is tried again by each window that reaches it,
and joined there if its request has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from .ingest_account import COUNTS, DEAD_LETTERS, LABELLED, dead_letter
from .ingest_config import Window
from .log_histogram import bin_of
from .log_pieces import Label, Request, Response, unpack

_HOUR = 3.6e9


class JoinCalls(beam.DoFn):
    """(request id, packed pieces) to the rows of ``serving``: column name to value or list.

    Outputs besides: rows of ``labelled``, dead letters of rejected calls (``bytes`` null, the
    response is at file and offset), counts. ``answered``: predictions come in Responses.
    """

    def __init__(self, window: Window, answered: bool):
        self._window = window
        self._answered = answered

    def start_bundle(self) -> None:
        self._counts = Counter()

    def finish_bundle(self):
        yield TaggedOutput(COUNTS, GlobalWindows.windowed_value(self._counts))

    def process(self, keyed: tuple[str, Iterable[bytes]]) -> Iterator[Any]:
        request_id, packed = keyed
        pieces = {Request: [], Response: [], Label: []}
        for piece in map(unpack, packed):
            pieces[type(piece)].append(piece)
        requests, responses, labels = (sorted(pieces[kind]) for kind in pieces)
        response = responses[0] if responses else None
        if response and not requests and response.time in self._window:
            self._count("rows", 1)
            yield self._reject(response, "response_without_request", 1)
        logged, seen, serving = {}, set(), []
        for request in requests:
            inside, n = request.time in self._window, len(request.rows)
            first = request.first_row not in seen
            seen.add(request.first_row)
            fits = not self._answered or response is None or len(response.predictions) == n
            if first and fits:
                rows = self._rows(request_id, request, response)
                logged.update((row["log_row"], row) for row in rows)
            if not inside:
                self._count("rows_outside_window", n)
            elif not first:
                self._count("rows_duplicate", n)
            elif not fits:
                yield self._reject(response, "prediction_count", n)
            else:
                serving.extend(rows)
        if serving:
            self._count_traffic(serving)
        yield from serving
        yield from self._labelled(labels, logged)

    def _rows(self, request_id: str, request: Request, response: Response | None) -> list[dict]:
        columns = {
            "log_request_id": request_id,
            "log_event_time": request.time,
            **request.columns,
        }
        predictions = None
        if self._answered:
            version = columns.get("log_model_version") or columns["log_endpoint"]
            if response:
                predictions = response.predictions
                version = response.model_version or version
                columns["log_latency_ms"] = (response.time - request.time) / 1e3
            columns["log_model_version"] = version
            columns["log_status"] = "200" if response else "no_response"
        rows = [
            {**features, **columns, "log_row": row}
            for row, features in enumerate(request.rows, request.first_row)
        ]
        if predictions is not None:
            for row, prediction in zip(rows, predictions, strict=True):
                row["prediction"] = prediction
        return rows

    def _labelled(self, labels: list[Label], logged: dict[int, dict]) -> Iterator[TaggedOutput]:
        used = set()
        for label in labels:
            row, known = logged.get(label.row), label.time
            delay = label.time - row["log_event_time"] if row else 0
            if row is None or delay < -self._window.horizon:
                outcome = "labels_orphan"
            elif delay > self._window.horizon:
                outcome = "labels_late"
            elif label.row in used:
                outcome = "labels_repeated"
            else:
                outcome, known = "labels_joined", max(label.time, row["log_event_time"])
                used.add(label.row)
            if known not in self._window:
                self._count("labels_outside_window", 1)
            elif outcome != "labels_joined":
                self._count(outcome, 1)
            else:
                self._counts["label_delay_hours", bin_of(delay / _HOUR)] += 1
                labelled = {**row, **label.values, "log_label_time": label.time}
                yield TaggedOutput(LABELLED, labelled)

    def _reject(self, response: Response, reason: str, rows: int) -> TaggedOutput:
        self._count("rows_rejected", rows)
        self._counts["reason", reason] += 1
        letter = dead_letter(response.file, response.offset, reason, None)
        return TaggedOutput(DEAD_LETTERS, letter)

    def _count(self, name: str, n: int) -> None:
        self._counts["count", name] += n

    def _count_traffic(self, rows: list[dict]) -> None:
        """Counts one request and its rows; its latency is that of its first row."""
        self._count("requests", 1)
        if (latency := rows[0].get("log_latency_ms")) is not None:
            self._counts["latency_ms", bin_of(latency)] += 1
        for group in ("status", "model_version"):
            for row in rows:
                if (value := row.get(f"log_{group}")) is not None:
                    self._counts[group, value] += 1
