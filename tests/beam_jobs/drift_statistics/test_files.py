import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx_vigil.beam_jobs.drift_statistics.files import (
    SplitStatistics,
    forget_rows,
    read_statistics,
    write_statistics,
)


def datasets() -> statistics_pb2.DatasetFeatureStatisticsList:
    found = statistics_pb2.DatasetFeatureStatisticsList()
    found.datasets.add(name="All Examples", num_examples=3)
    return found


def test_what_is_written_is_read(tmp_path):
    rows, errors = pa.table({"fare": [1.0, 2.0]}), pa.table({"time": [1], "error": [0.5]})
    write_statistics(str(tmp_path), "labelled", SplitStatistics(datasets(), rows, errors))
    assert read_statistics(str(tmp_path), "labelled") == SplitStatistics(datasets(), rows, errors)


def test_a_split_need_not_have_rows_and_errors(tmp_path):
    write_statistics(str(tmp_path), "serving", SplitStatistics(datasets()))
    assert read_statistics(str(tmp_path), "serving") == SplitStatistics(datasets(), None, None)


def test_no_statistics_are_none(tmp_path):
    assert read_statistics(str(tmp_path), "serving") is None


@pytest.mark.parametrize("name", ["FeatureStats.pb", "rows.parquet"])
def test_a_damaged_file_is_named(tmp_path, name):
    write_statistics(str(tmp_path), "serving", SplitStatistics(datasets(), pa.table({"a": [1]})))
    (tmp_path / "Split-serving" / name).write_bytes(b"\xff\xff\xff")
    with pytest.raises(ValueError, match=name):
        read_statistics(str(tmp_path), "serving")


@pytest.mark.parametrize("above", ["", "DriftValidator/span_statistics/5", "Span-2014-01-01"])
def test_rows_are_forgotten_at_any_depth_and_statistics_stay(tmp_path, above):
    rows, errors = pa.table({"fare": [1.0]}), pa.table({"time": [1], "error": [0.5]})
    uri = str(tmp_path / above)
    write_statistics(uri, "labelled", SplitStatistics(datasets(), rows, errors))
    (tmp_path / "borrows.parquet").write_bytes(b"not ours")
    forget_rows(str(tmp_path))
    assert read_statistics(uri, "labelled") == SplitStatistics(datasets())
    assert (tmp_path / "borrows.parquet").exists()


def test_a_splits_own_rows_are_forgotten(tmp_path):
    write_statistics(str(tmp_path), "serving", SplitStatistics(datasets(), pa.table({"a": [1]})))
    forget_rows(str(tmp_path / "Split-serving"))
    assert read_statistics(str(tmp_path), "serving") == SplitStatistics(datasets())
