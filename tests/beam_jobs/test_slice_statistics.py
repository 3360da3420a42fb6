import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx_vigil.beam_jobs import slice_statistics

SLICES = [["payment_type"], ["payment_type", "hour"], ["zone_a"]]


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> str:
    """Names and values chosen so that TFDV's slice names are ambiguous to a reader."""
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    rows = 400
    pa.parquet.write_table(
        pa.table(
            {
                "payment_type": ["Cash", "Credit_Card", "hour_1", None] * (rows // 4),
                "hour": np.arange(rows) // 4 % 3,
                "zone_a": np.arange(rows, dtype=np.float32) % 2 + 0.5,
                "fare": np.arange(rows, dtype=np.float32),
            }
        ),
        path,
        row_group_size=100,
    )
    return str(path)


@pytest.fixture(scope="module")
def statistics(table):
    return slice_statistics.table_statistics(table, SLICES)


def test_every_slice_is_mapped_back_to_its_features_and_values(statistics):
    keys = {
        slice_statistics.slice_key(dataset, SLICES): dataset.num_examples
        for dataset in statistics.datasets
        if dataset.name != "All Examples"
    }
    single = {(("payment_type", v),): 100 for v in ("Cash", "Credit_Card", "hour_1")}
    hours = {"0": 34, "1": 33, "2": 33}
    crossed = {
        (("payment_type", v), ("hour", h)): n
        for v in ("Cash", "Credit_Card", "hour_1")
        for h, n in hours.items()
    }
    zones = {(("zone_a", v),): 200 for v in ("0.5", "1.5")}
    assert keys == single | crossed | zones


def test_a_slice_that_was_not_configured_has_no_key(statistics):
    named = {dataset.name: dataset for dataset in statistics.datasets}
    assert slice_statistics.slice_key(named["zone_a_0.5"], [["payment_type"], ["absent"]]) is None


def test_the_whole_is_found_with_and_without_slices(statistics):
    assert slice_statistics.whole(statistics).num_examples == 400
    alone = statistics_pb2.DatasetFeatureStatisticsList()
    alone.datasets.add(name="any", num_examples=7)
    assert slice_statistics.whole(alone).num_examples == 7
    alone.datasets.add(name="other")
    with pytest.raises(ValueError, match="no statistics named 'All Examples' among: any, other"):
        slice_statistics.whole(alone)


def test_options_survive_the_json_of_statistics_gen():
    schema = schema_pb2.Schema()
    schema.feature.add(name="hour", type=schema_pb2.INT)
    options = tfdv.StatsOptions.from_json(slice_statistics.stats_options(SLICES, schema).to_json())
    assert [list(s.feature_keys) for s in options.slicing_config.slicing_specs] == SLICES
    assert options.num_quantiles_histogram_buckets == slice_statistics.QUANTILE_BUCKETS >= 40
    assert options.num_rank_histogram_buckets == 1000
    assert options.epsilon == 0.001
    assert options.sample_rate is None
    assert options.schema == schema


def test_quantiles_are_exact_to_a_thousandth(statistics):
    (fare,) = [f for f in slice_statistics.whole(statistics).features if f.path.step[0] == "fare"]
    (quantiles,) = [
        h for h in fare.num_stats.histograms if h.type == statistics_pb2.Histogram.QUANTILES
    ]
    below = np.cumsum([bucket.sample_count for bucket in quantiles.buckets])
    ends = np.array([bucket.high_value for bucket in quantiles.buckets])
    np.testing.assert_allclose(below, ends + 1, atol=0.4)


def test_slicing_by_a_column_that_is_not_there_names_it_and_the_columns(table):
    with pytest.raises(Exception, match=r"cannot slice by color: not a column.*fare, hour"):
        slice_statistics.table_statistics(table, [["color", "hour"]])


def test_the_job_runs_alone(table, tmp_path):
    output = tmp_path / "stats.pb"
    slice_statistics.main([table, str(output), "--slice-by", "payment_type,hour"])
    names = {dataset.name for dataset in tfdv.load_stats_binary(str(output)).datasets}
    assert "hour_0_payment_type_Cash" in names
