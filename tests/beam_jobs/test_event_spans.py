from datetime import datetime, timezone

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.event_spans import EVENT_SPAN, with_event_span

DAY = 86_400_000_000
WINDOWS = {
    f"1970-01-0{day}": tuple(datetime(1970, 1, day + more, tzinfo=timezone.utc) for more in (0, 1))
    for day in (1, 2, 4)
}


def spans(times):
    column = pa.array([[t] if t is not None else None for t in times], pa.large_list(pa.int64()))
    batch = pa.RecordBatch.from_arrays([column], ["log_event_time"])
    return with_event_span(batch, WINDOWS).column(1).to_pylist()


@given(st.lists(st.none() | st.integers(-DAY, 5 * DAY)))
def test_a_row_belongs_to_the_window_of_its_event_time(times):
    expected = [
        [f"1970-01-0{t // DAY + 1}"] if t is not None and t // DAY in (0, 1, 3) else []
        for t in times
    ]
    assert spans(times) == expected


def test_the_end_of_a_window_is_not_in_it():
    assert spans([DAY - 1, DAY, 2 * DAY]) == [["1970-01-01"], ["1970-01-02"], []]


def test_rows_without_times_belong_to_none():
    batch = pa.RecordBatch.from_arrays([pa.array([[1], [2]])], ["fare"])
    found = with_event_span(batch, WINDOWS)
    assert found.schema.names == ["fare", EVENT_SPAN]
    assert found.column(1).to_pylist() == [[], []]
