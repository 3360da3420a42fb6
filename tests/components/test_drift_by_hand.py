import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from tfx_vigil.components.drift_validator.by_hand import compare_tables
from tfx_vigil.components.drift_validator.config import DriftConfig


def write(path, n, seed, cash_factor=1.0):
    rng = np.random.default_rng(seed)
    payment = rng.choice(["Cash", "Card"], n)
    fare = rng.lognormal(2, 1, n) * np.where(payment == "Cash", cash_factor, 1)
    table = pa.table({"payment_type": payment, "fare": fare, "hour": rng.integers(0, 24, n)})
    if path.suffix == ".csv":
        pa.csv.write_csv(table, path)
    else:
        pa.parquet.write_table(table, path)
    return str(path)


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_two_tables_are_compared_on_the_whole_and_by_slice(tmp_path, suffix):
    baseline = write(tmp_path / f"a.{suffix}", 5_000, 1)
    current = write(tmp_path / "b.parquet", 2_000, 2, cash_factor=3)
    report = compare_tables(baseline, current, [["payment_type"]])
    drifted = {(c.feature, c.slice) for c in report.comparisons if c.verdict == "drift"}
    assert drifted == {
        ("fare", "overall"),
        ("fare", "payment_type=Cash"),
        ("fare and payment_type", "overall"),
        ("*", "overall"),
    }
    assert {c.against for c in report.comparisons} == {"training"}
    assert all(c.n_baseline > c.n_current for c in report.comparisons)


def test_the_same_population_does_not_drift_and_configuration_is_heeded(tmp_path):
    baseline = write(tmp_path / "a.csv", 5_000, 1)
    current = write(tmp_path / "b.csv", 2_000, 3)
    strict = DriftConfig(thresholds={"hour": {"jensen_shannon_divergence": 0}})
    assert compare_tables(baseline, current, config=strict).drifted_features == ["hour"]


def test_a_slice_column_that_is_not_there_is_named(tmp_path):
    table = write(tmp_path / "a.parquet", 100, 1)
    with pytest.raises(Exception, match="cannot slice by payment: not a column of the data"):
        compare_tables(table, table, [["payment"]])
