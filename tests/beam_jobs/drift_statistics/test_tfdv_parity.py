"""Our statistics against TFDV's own, on random tables."""

import numpy as np
import pyarrow as pa
import pytest
import tensorflow_data_validation as tfdv
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tensorflow_data_validation.statistics import stats_impl
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_vigil.beam_jobs.drift_statistics.accumulator import Accumulator, Plan
from tfx_vigil.beam_jobs.drift_statistics.to_tfdv import to_tfdv

TYPES = {
    "float": (pa.float32(), st.floats(-1e6, 1e6, width=32) | st.just(0.0)),
    "integer": (pa.int64(), st.integers(-1000, 1000)),
    "code": (pa.int64(), st.integers(0, 5)),
    "text": (pa.large_binary(), st.sampled_from([b"a", b"bb", b"ccc", "d\u00e9".encode(), b""])),
    "free": (pa.large_binary(), st.text(max_size=6).map(str.encode)),
    "empty": (pa.float32(), st.nothing()),
}


@st.composite
def tables(draw) -> pa.RecordBatch:
    rows = draw(st.integers(1, 40))
    columns = {}
    for name, (kind, values) in TYPES.items():
        lists = st.none() if name == "empty" else st.none() | st.lists(values, max_size=3)
        if draw(st.booleans()) and name != "empty":
            lists = st.lists(values, min_size=1, max_size=1)
        found = draw(st.lists(lists, min_size=rows, max_size=rows))
        columns[name] = pa.array(found, pa.large_list(kind))
    return pa.RecordBatch.from_pydict(columns)


def schema() -> schema_pb2.Schema:
    found = schema_pb2.Schema()
    feature = found.feature.add(name="code", type=schema_pb2.INT)
    feature.int_domain.is_categorical = True
    return found


def ours(batch: pa.RecordBatch, batches: int = 1) -> statistics_pb2.DatasetFeatureStatisticsList:
    accumulator = Accumulator(Plan(codes=frozenset({"code"})))
    step = -(-batch.num_rows // batches)
    for start in range(0, batch.num_rows, step):
        part = Accumulator(accumulator.plan)
        part.add(batch.slice(start, step))
        accumulator.merge(part)
    return to_tfdv(accumulator)


def theirs(batch: pa.RecordBatch) -> statistics_pb2.DatasetFeatureStatisticsList:
    options = tfdv.StatsOptions(schema=schema(), num_rank_histogram_buckets=1000)
    return stats_impl.generate_statistics_in_memory(batch, options)


def by_name(datasets) -> dict[str, statistics_pb2.FeatureNameStatistics]:
    return {feature.path.step[0]: feature for feature in datasets.datasets[0].features}


@settings(max_examples=25, deadline=None, phases=[Phase.generate])
@given(tables(), st.integers(1, 4))
def test_counts_and_moments_are_those_of_tfdv(batch, batches):
    found, expected = by_name(ours(batch, batches)), by_name(theirs(batch))
    assert found.keys() == expected.keys()
    for name, stock in expected.items():
        mine = found[name]
        assert mine.type == stock.type
        kind = stock.WhichOneof("stats")
        assert mine.WhichOneof("stats") == kind
        same_common(getattr(mine, kind).common_stats, getattr(stock, kind).common_stats)
        if kind == "num_stats":
            same_numbers(mine.num_stats, stock.num_stats)
        else:
            same_strings(mine.string_stats, stock.string_stats)


def same_common(mine, stock) -> None:
    for field in stock.DESCRIPTOR.fields:
        if field.name != "num_values_histogram":
            assert getattr(mine, field.name) == getattr(stock, field.name), field.name
    assert len(mine.num_values_histogram.buckets) == len(stock.num_values_histogram.buckets)


def same_numbers(mine, stock) -> None:
    for name in ("num_zeros", "min", "max"):
        assert getattr(mine, name) == getattr(stock, name)
    assert mine.mean == pytest.approx(stock.mean, rel=1e-9, abs=1e-6)
    assert mine.std_dev == pytest.approx(stock.std_dev, rel=1e-6, abs=1e-4)
    assert [h.type for h in mine.histograms] == [h.type for h in stock.histograms]
    for one, other in zip(mine.histograms, stock.histograms, strict=True):
        assert one.num_nan == other.num_nan
        assert len(one.buckets) == len(other.buckets)
        total = sum(bucket.sample_count for bucket in one.buckets)
        theirs = sum(bucket.sample_count for bucket in other.buckets)
        assert total == pytest.approx(theirs, rel=1e-5)  # TFDV's buckets may overlap a little


def same_strings(mine, stock) -> None:
    for name in ("unique", "invalid_utf8_count"):
        assert getattr(mine, name) == getattr(stock, name), name
    assert mine.avg_length == pytest.approx(stock.avg_length)
    assert mine.rank_histogram == stock.rank_histogram
    assert mine.top_values == stock.top_values


def test_values_that_are_no_text_are_one_category():
    values = pa.array([[b"a"], [b"\xff"], [b"\xfe\xfd"]], pa.large_list(pa.large_binary()))
    batch = pa.RecordBatch.from_pydict({"free": values})
    mine, stock = by_name(ours(batch, 2))["free"].string_stats, by_name(theirs(batch))["free"]
    assert mine.invalid_utf8_count == stock.string_stats.invalid_utf8_count == 2
    assert [(b.label, b.sample_count) for b in mine.rank_histogram.buckets] == [
        ("__BYTES_VALUE__", 2),
        ("a", 1),
    ]


@settings(max_examples=8, deadline=None, phases=[Phase.generate])
@given(tables())
def test_schemas_and_anomalies_are_those_of_tfdv(batch):
    mine, stock = ours(batch), theirs(batch)
    inferred = tfdv.infer_schema(stock)
    found = tfdv.infer_schema(mine)
    for schema in (found, inferred):
        schema.feature.sort(key=lambda feature: feature.name)
        schema.string_domain.sort(key=lambda domain: domain.name)
    assert found == inferred
    changed = batch.slice(0, 1)
    assert (
        tfdv.validate_statistics(ours(changed), inferred).anomaly_info
        == tfdv.validate_statistics(theirs(changed), inferred).anomaly_info
    )


@pytest.mark.parametrize("draw", ["normal", "lognormal", "standard_cauchy", "uniform"])
def test_quantiles_and_median_are_off_by_a_bin_at_most(draw):
    values = getattr(np.random.default_rng(0), draw)(size=20_000).astype(np.float32)
    lists = pa.array(values[:, None].tolist(), pa.large_list(pa.float32()))
    stats = by_name(ours(pa.RecordBatch.from_pydict({"x": lists})))["x"].num_stats
    true = np.quantile(values, np.linspace(0, 1, 11))
    (quantiles,) = [h for h in stats.histograms if h.type == statistics_pb2.Histogram.QUANTILES]
    edges = [quantiles.buckets[0].low_value, *(b.high_value for b in quantiles.buckets)]
    np.testing.assert_allclose(edges[1:-1], true[1:-1], rtol=0.07, atol=1e-3)
    assert (edges[0], edges[-1]) == (true[0], true[-1])
    assert stats.median == edges[5]
    (standard,) = [h for h in stats.histograms if h.type == statistics_pb2.Histogram.STANDARD]
    edges = np.array([standard.buckets[0].low_value, *(b.high_value for b in standard.buckets)])
    below = [(values < edge).sum() for edge in edges]
    counts = np.cumsum([b.sample_count for b in standard.buckets])
    np.testing.assert_allclose(counts, [*below[1:-1], len(values)], atol=0.01 * len(values))
