import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.beam_jobs.drift_statistics.accumulator import Accumulator, Plan
from tfx_vigil.beam_jobs.drift_statistics.categories import Categories
from tfx_vigil.beam_jobs.drift_statistics.from_tfdv import from_tfdv
from tfx_vigil.beam_jobs.drift_statistics.grid import Grid
from tfx_vigil.beam_jobs.drift_statistics.population import LENGTH, VALUE, SpanStatistics
from tfx_vigil.beam_jobs.drift_statistics.to_tfdv import to_tfdv


def lists(values) -> pa.Array:
    return pa.array([None if value is None else [value] for value in values])


def measured(batch: pa.RecordBatch, *slices: tuple[str, ...], step: int = 0) -> SpanStatistics:
    accumulator = Accumulator(Plan(slices))
    for start in range(0, batch.num_rows, step or batch.num_rows):
        part = Accumulator(accumulator.plan)
        part.add(batch.slice(start, step or batch.num_rows))
        accumulator.merge(part)
    return from_tfdv(to_tfdv(accumulator))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(width=32) | st.none(), st.sampled_from(["a", "b", None])),
        min_size=1,
        max_size=40,
    ),
    st.integers(1, 40),
)
def test_what_is_written_is_what_was_counted_in_each_slice(rows, step):
    numbers, names = zip(*rows, strict=True)
    batch = pa.RecordBatch.from_pydict(
        {
            "x": lists(numbers).cast(pa.list_(pa.float32())),
            "s": pa.array([n and [n] for n in names], pa.list_(pa.string())),
        }
    )
    span = measured(batch, ("s",), step=step)
    keys = {key: [x for x, name in rows if name == key] for key in set(names) - {None}}
    expected = {"overall": numbers} | {f"s={key}": found for key, found in keys.items()}
    assert span.slices.keys() == expected.keys()
    for name, found in expected.items():
        here = span.slices[name]
        present = np.array([x for x in found if x is not None], np.float64)
        assert here.rows == len(found)
        assert here.features["x"].present == len(present)
        if len(present):
            grid, whole = here.features["x"].aspects[VALUE], Grid.of(present)
            assert (grid.level, grid.nan) == (whole.level, whole.nan)
            np.testing.assert_array_equal(grid.keys, whole.keys)
            np.testing.assert_array_equal(grid.counts, whole.counts)
            assert here.features["x"].aspects[LENGTH].counts.tolist() == [len(present)]


def test_five_thousand_values_are_listed_in_part_and_all_in_buckets():
    values = [f"id {i % 5000}" for i in range(12_000)]
    batch = pa.RecordBatch.from_pydict({"s": lists(values), "k": lists(["x", "y"] * 6000)})
    span = measured(batch, ("k",), step=5000)
    for name, found in {"overall": values, "k=x": values[::2]}.items():
        categories = span.slices[name].features["s"].aspects[VALUE]
        assert categories.total == len(found)
        assert not categories.complete
        assert len(categories.values) >= 256
        every = Categories.of(*np.unique(found, return_counts=True))
        np.testing.assert_array_equal(categories.in_buckets(128), every.in_buckets(128))
        counts = dict(zip(every.values, every.counts, strict=True))
        assert [counts[value] for value in categories.values] == categories.counts.tolist()
    assert span.overall.features["s"].aspects[VALUE].distinct == 5000


def test_free_text_has_lengths_and_words():
    texts = [f"order {i} is late by {i % 7} days" for i in range(300)]
    aspects = (
        measured(pa.RecordBatch.from_pydict({"t": lists(texts)})).overall.features["t"].aspects
    )
    assert aspects["text_length"].total == 300
    words = aspects["token"]
    counts = dict(zip(words.values, words.counts, strict=True))
    assert (counts["late"], counts["days"]) == (300, 300)
    assert words.total == 300 * 7


def test_vectors_have_norms_and_projections_as_long_as_they_have_one_length():
    vectors = np.random.default_rng(0).normal(size=(200, 8)).astype(np.float32)
    batch = pa.RecordBatch.from_pydict({"v": pa.array(vectors.tolist(), pa.list_(pa.float32()))})
    aspects = measured(batch, step=64).overall.features["v"].aspects
    assert {"norm", "projection_0", "projection_3"} <= aspects.keys()
    norms = Grid.of(np.linalg.norm(vectors.astype(np.float64), axis=1))
    np.testing.assert_array_equal(aspects["norm"].counts, norms.counts)
    ragged = [*vectors.tolist(), [1.0, 2.0]]
    batch = pa.RecordBatch.from_pydict({"v": pa.array(ragged, pa.list_(pa.float32()))})
    assert "norm" not in measured(batch, step=200).overall.features["v"].aspects


def test_a_column_of_text_and_numbers_is_refused_by_name():
    accumulator = Accumulator(Plan())
    accumulator.add(pa.RecordBatch.from_pydict({"c": lists([1, 2])}))
    other = Accumulator(Plan())
    other.add(pa.RecordBatch.from_pydict({"c": lists(["a"])}))
    with pytest.raises(ValueError, match="'c' holds text in some rows and numbers"):
        accumulator.merge(other)


def test_a_crossing_with_too_many_slices_is_given_up():
    rows = 3000
    batch = pa.RecordBatch.from_pydict(
        {"id": lists(range(rows)), "k": lists(["x", "y"] * (rows // 2))}
    )
    span = measured(batch, ("id",), ("k",), step=900)
    assert set(span.slices) == {"overall", "k=x", "k=y"}
    assert span.overall.rows == rows


def stock(batch: pa.RecordBatch) -> statistics_pb2.DatasetFeatureStatisticsList:
    options = tfdv.StatsOptions(num_quantiles_histogram_buckets=40, epsilon=0.001)
    return stats_impl.generate_statistics_in_memory(batch, options)


def test_stock_quantiles_are_a_grid_with_a_resolution():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(10_000) < 0.4, 0.0, rng.lognormal(size=10_000))
    batch = pa.RecordBatch.from_pydict({"x": pa.array(values[:, None].tolist())})
    grid = from_tfdv(stock(batch)).overall.features["x"].aspects[VALUE]
    assert grid.resolution == 1 / 40
    assert grid.total == pytest.approx(10_000)
    assert grid.counts[grid.keys == 0] == pytest.approx(4000, abs=250)
    cuts = np.array([0.5, 1.0, 2.0, 5.0])
    true = [(values < cut).sum() for cut in cuts]
    np.testing.assert_allclose(grid.below(cuts), true, atol=10_000 / 40)


def test_stock_ranks_that_were_cut_are_not_comparable_by_bucket():
    values = [f"v{i}" for i in range(1500)] + ["v0"] * 500
    found = from_tfdv(stock(pa.RecordBatch.from_pydict({"s": lists(values)})))
    categories = found.overall.features["s"].aspects[VALUE]
    assert not categories.comparable
    assert (categories.total, categories.distinct) == (2000, 1500)
