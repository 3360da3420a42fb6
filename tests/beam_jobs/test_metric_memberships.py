from itertools import product

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.metrics.memberships import SliceSpec, memberships

CITY = st.lists(st.sampled_from([b"Bern", b"Basel", b"Z\xc3\xbcrich"]), max_size=3)
HOUR = st.lists(st.integers(-1, 2), max_size=2)
ROWS = st.lists(st.tuples(CITY, HOUR), min_size=1, max_size=30)
FULL_ROWS = st.lists(
    st.tuples(st.sampled_from([b"Bern", b"Basel"]).map(lambda x: [x]), st.just([7]))
)


def batch_of(rows):
    return pa.RecordBatch.from_arrays(
        [
            pa.array([city for city, _ in rows], pa.large_list(pa.large_binary())),
            pa.array([hour for _, hour in rows], pa.large_list(pa.int64())),
        ],
        ["city", "hour"],
    )


def rows_of_slices(rows, *specs):
    found = {}
    for membership in memberships(batch_of(rows), specs):
        everything = range(len(rows)) if membership.rows is None else membership.rows.tolist()
        for row, code in zip(everything, membership.codes.tolist(), strict=True):
            found.setdefault(membership.keys[code], []).append(row)
    return {key: sorted(part) for key, part in found.items()}


def slices_row_by_row(rows):
    found = {(): list(range(len(rows)))}
    for i, (cities, hours) in enumerate(rows):
        for city, hour in set(product(cities, hours)):
            found.setdefault((("city", city.decode()), ("hour", hour)), []).append(i)
    return found


@given(ROWS | FULL_ROWS.filter(len))
@settings(max_examples=60, deadline=None)
def test_crossed_slices_hold_the_rows_that_have_all_values(rows):
    assert rows_of_slices(rows, SliceSpec(("city", "hour"))) == slices_row_by_row(rows)


def test_slice_of_an_absent_feature_is_empty():
    assert set(rows_of_slices([([b"Bern"], [1])], SliceSpec(("city", "zone")))) == {()}


@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_a_slice_may_be_asked_for_by_the_value_of_a_feature(rows):
    only = SliceSpec(("city", "hour"), (("hour", "2"),))
    every = slices_row_by_row(rows)
    expected = {key: part for key, part in every.items() if not key or ("hour", 2) in key}
    assert rows_of_slices(rows, only) == expected
    assert rows_of_slices(rows, only, SliceSpec(("hour", "city"))) == every
