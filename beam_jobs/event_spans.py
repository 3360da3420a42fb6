"""In which window of time a request came whose label has arrived only later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa

from .list_columns import rows_of_values, values_of

EVENT_SPAN, SINCE_PUSH = "log_span", "log_since_push"
TIMES = frozenset({EVENT_SPAN, SINCE_PUSH})
"""Columns of windows: slices by them are no groups of people, however few rows they have."""
_EVENT_TIME = "log_event_time"
Windows = Mapping[str, tuple[datetime, datetime]]
"""Span -> when it begins and when it has ended."""


def with_event_span(
    batch: pa.RecordBatch, windows: Windows, name: str = EVENT_SPAN
) -> pa.RecordBatch:
    """``batch`` and a column ``name``: the window in which ``log_event_time`` lies.

    A row outside of all windows, or without a time, has no value.
    """
    names = list(windows)
    found = np.full(batch.num_rows, -1)
    place = batch.schema.get_field_index(_EVENT_TIME)
    if place >= 0 and not pa.types.is_null(batch.schema.field(place).type):
        column = batch.column(place)
        rows, times = rows_of_values(column), np.asarray(values_of(column))
        for i, (start, end) in enumerate(windows.values()):
            inside = (times >= _microseconds(start)) & (times < _microseconds(end))
            found[rows[inside]] = i
    values = pa.array(names, pa.string()).take(pa.array(found[found >= 0]))
    offsets = np.concatenate([[0], np.cumsum(found >= 0)])
    column = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values)
    return pa.RecordBatch.from_arrays([*batch.columns, column], [*batch.schema.names, name])


def _microseconds(time: datetime) -> int:
    return round(time.timestamp() * 1e6)
