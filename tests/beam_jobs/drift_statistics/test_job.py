import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import tensorflow_data_validation as tfdv
from tfx_vigil.beam_jobs.drift_statistics import job
from tfx_vigil.beam_jobs.drift_statistics.files import read_statistics
from tfx_vigil.beam_jobs.drift_statistics.from_tfdv import from_tfdv
from tfx_vigil.beam_jobs.drift_statistics.job import StatisticsConfig, write_table_statistics
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig

SLICES = (("payment_type",), ("payment_type", "hour"), ("zone_a",))


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
                "label": np.arange(rows) % 2,
                "prediction": np.full(rows, 0.75),
                "log_event_time": np.arange(rows)[::-1] * 1_000_000,
            }
        ),
        path,
        row_group_size=100,
    )
    return str(path)


@pytest.fixture(scope="module")
def written(table, tmp_path_factory):
    uri = str(tmp_path_factory.mktemp("statistics"))
    errors = EvaluationConfig(label="label", prediction="prediction")
    config = StatisticsConfig(SLICES, errors=errors)
    write_table_statistics(table, uri, "labelled", config)
    return read_statistics(uri, "labelled")


def test_every_slice_is_told_by_its_features_and_values(written):
    span = from_tfdv(written.datasets)
    single = {(("payment_type", v),): 100 for v in ("Cash", "Credit_Card", "hour_1")}
    hours = {"0": 34, "1": 33, "2": 33}
    crossed = {
        (("payment_type", v), ("hour", h)): n
        for v in ("Cash", "Credit_Card", "hour_1")
        for h, n in hours.items()
    }
    zones = {(("zone_a", v),): 200 for v in ("0.5", "1.5")}
    found = {s.key: s.rows for name, s in span.slices.items() if name != "overall"}
    assert found == single | crossed | zones
    assert "hour_0_payment_type_Cash" in {dataset.name for dataset in written.datasets.datasets}


def test_small_slices_are_counted_and_not_written(table, tmp_path):
    config = StatisticsConfig((("payment_type", "hour"),), min_group_rows=34)
    write_table_statistics(table, str(tmp_path), "all", config)
    span = from_tfdv(read_statistics(str(tmp_path), "all").datasets)
    assert {s.rows for s in span.slices.values()} == {400, 34}
    assert span.unnamed == 6


def test_the_sample_has_the_rows_as_they_were(written):
    rows = written.rows.to_pandas().sort_values("fare")
    np.testing.assert_array_equal(rows["fare"], np.arange(400))
    np.testing.assert_array_equal(rows["hour"], np.arange(400) // 4 % 3)
    assert rows["payment_type"].isna().sum() == 100


def test_errors_are_brier_scores_in_the_order_of_time(written):
    assert written.errors.schema == pa.schema({"time": pa.int64(), "error": pa.float32()})
    np.testing.assert_array_equal(written.errors["time"], np.arange(400) * 1_000_000)
    np.testing.assert_array_equal(written.errors["error"], [0.0625, 0.5625] * 200)


def test_only_wanted_columns_and_those_sliced_by_are_measured(table, tmp_path):
    config = StatisticsConfig((("hour",),), features=frozenset({"fare"}))
    write_table_statistics(table, str(tmp_path), "all", config)
    found = read_statistics(str(tmp_path), "all")
    assert set(from_tfdv(found.datasets).overall.features) == {"fare", "hour"}
    assert set(found.rows.column_names) == {"fare", "hour"}


def test_slicing_by_a_column_that_is_not_there_names_it_and_the_columns(table, tmp_path):
    config = StatisticsConfig((("color", "hour"),))
    with pytest.raises(Exception, match=r"cannot slice by color: not a column.*fare, hour"):
        write_table_statistics(table, str(tmp_path), "all", config)


def test_the_job_runs_alone(table, tmp_path):
    job.main([table, str(tmp_path), "--slice-by", "payment_type,hour"])
    file = str(tmp_path / "Split-all" / "FeatureStats.pb")
    names = {dataset.name for dataset in tfdv.load_stats_binary(file).datasets}
    assert "hour_0_payment_type_Cash" in names
