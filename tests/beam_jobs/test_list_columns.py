import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.list_columns import first_values, rows_of_values, values_of, with_values

ROWS = st.lists(st.none() | st.lists(st.none() | st.integers(0, 9), max_size=3), max_size=6)


@pytest.mark.parametrize("kind", [pa.list_(pa.int64()), pa.large_list(pa.int64())])
@given(rows=ROWS)
def test_values_come_back_in_their_lists(kind, rows):
    column = pa.array(rows, kind)
    assert with_values(column, values_of(column)).equals(column)
    places = [row for row, values in enumerate(rows) for _ in values or []]
    assert rows_of_values(column).tolist() == places
    assert first_values(column).to_pylist() == [row[0] if row else None for row in rows]


def test_a_value_that_became_null_leaves_its_list():
    column = pa.array([[1, 2], None, [3], [None, 4]], pa.large_list(pa.int64()))
    values = pa.array([None, 7, None, None, 8])
    assert with_values(column, values).to_pylist() == [[7], None, [], [None, 8]]
