"""The course of the errors tells means of enough rows, in order of time."""

import numpy as np
import pytest
from tfx_vigil.components.drift_validator.error_course import error_course

HOUR = 3_600_000_000


@pytest.mark.parametrize(("rows", "points"), [(0, 0), (29, 0), (30, 1), (100, 3), (9_000, 60)])
def test_every_point_is_the_mean_of_enough_rows_and_each_row_is_in_one(rows, points):
    rng = np.random.default_rng(0)
    errors = rng.exponential(size=rows)
    course = error_course(rng.permutation(rows) * HOUR, errors)
    assert len(course) == points
    assert all(p.n >= 30 and p.lower < p.mean < p.upper for p in course)
    assert [p.time for p in course] == sorted(p.time for p in course)
    if points:
        assert sum(p.n for p in course) == rows
        assert sum(p.n * p.mean for p in course) == pytest.approx(errors.sum())


def test_a_rise_is_seen_where_it_is():
    times = np.arange(600) * HOUR
    course = error_course(times, (times >= 300 * HOUR) * 1.0)
    assert [p.mean for p in course] == [0.0] * 10 + [1.0] * 10
