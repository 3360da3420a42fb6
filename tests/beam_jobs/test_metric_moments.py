from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.metric_moments import Layout, batch_moments, slice_rows

CITY = st.lists(st.sampled_from([b"Bern", b"Basel", b"Z\xc3\xbcrich"]), max_size=3)
HOUR = st.lists(st.integers(-1, 2), max_size=2)
ROWS = st.lists(st.tuples(CITY, HOUR), min_size=1, max_size=30)


def batch_of(rows):
    n = len(rows)
    return pa.RecordBatch.from_arrays(
        [
            pa.array([[float(i % 2)] for i in range(n)], pa.large_list(pa.float64())),
            pa.array([[(i + 1) / (n + 2)] for i in range(n)], pa.large_list(pa.float64())),
            pa.array([city for city, _ in rows], pa.large_list(pa.large_binary())),
            pa.array([hour for _, hour in rows], pa.large_list(pa.int64())),
        ],
        ["label", "p", "city", "hour"],
    )


def slices_row_by_row(rows):
    found = {}
    for i, (cities, hours) in enumerate(rows):
        for city, hour in set(product(cities, hours)):
            found.setdefault((("city", city.decode()), ("hour", hour)), []).append(i)
    return found


@given(ROWS)
@settings(max_examples=60, deadline=None)
def test_crossed_slices_hold_the_rows_that_have_all_values(rows):
    found = {key: sorted(part) for key, part in slice_rows(batch_of(rows), ["hour", "city"])}
    assert found == slices_row_by_row(rows)


def test_slice_of_an_absent_feature_is_empty():
    assert list(slice_rows(batch_of([([b"Bern"], [1])]), ["city", "zone"])) == []


@given(ROWS, st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_moments_add_up_over_batches(rows, cut):
    config = EvaluationConfig(label="label", slices=[["city"], ["city", "hour"]])
    layout = Layout("binary_classification", ("logged",))
    whole = batch_of(rows)

    def moments(*batches):
        total = {}
        for batch in batches:
            for key, gram in batch_moments(batch, config, layout, ["p"]):
                total[key] = total.get(key, 0) + gram
        return total

    parts = [part for part in (whole.slice(0, cut), whole.slice(cut)) if part.num_rows]
    once, twice = moments(whole), moments(*parts)
    assert once.keys() == twice.keys()
    for key, gram in once.items():
        np.testing.assert_allclose(gram, twice[key], rtol=1e-12)
    assert once[()][0, 0] == len(rows)


def test_quantities_are_those_of_the_definition():
    batch = pa.RecordBatch.from_arrays(
        [pa.array([[y]], pa.large_list(pa.float64())) for y in (1.0, 0.8)], ["label", "p"]
    )
    layout = Layout("binary_classification", ("logged",))
    ((_, gram),) = batch_moments(batch, EvaluationConfig(label="label"), layout, ["p"])
    expected = {
        "rows": 1,
        "label": 1,
        "prediction": 0.8,
        "log_loss": -np.log(0.8),
        "squared_error": 0.04,
        "correct": 1,
        "predicted_positive": 1,
        "true_positive": 1,
    }
    for name, value in expected.items():
        assert gram[0, layout.column("logged", name)] == pytest.approx(value)
