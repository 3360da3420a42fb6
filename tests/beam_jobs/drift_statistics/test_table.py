import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from tfx_vigil.beam_jobs.drift_statistics.files import SplitStatistics
from tfx_vigil.beam_jobs.drift_statistics.from_tfdv import from_tfdv
from tfx_vigil.beam_jobs.drift_statistics.grid import Grid
from tfx_vigil.beam_jobs.drift_statistics.job import StatisticsConfig
from tfx_vigil.beam_jobs.drift_statistics.table import table_statistics
from tfx_vigil.beam_jobs.engine import job_options
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig

CONFIG = StatisticsConfig(
    (("kind",), ("kind", "hour")),
    codes=frozenset({"hour"}),
    errors=EvaluationConfig(label="label", prediction="prediction"),
)


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> str:
    random = np.random.default_rng(0)
    n = 3_000
    kind = random.choice(["a", "b", "c", None], n, p=[0.6, 0.3, 0.002, 0.098])
    columns = {
        "kind": pa.array(kind),
        "hour": random.integers(0, 5, n),
        "amount": pa.array(random.lognormal(0, 2, n), mask=random.random(n) < 0.1),
        "not_a_number": np.where(random.random(n) < 0.1, np.nan, 1.5),
        "id": pa.array([f"id {i} {random.integers(9)}" for i in range(n)]),
        "many": pa.array([f"v{i}" for i in random.integers(0, 2_500, n)]),
        "vector": pa.array(list(random.normal(size=(n, 3)))),
        "tags": pa.array([["x"] * int(k) for k in random.integers(0, 4, n)], pa.list_(pa.string())),
        "label": random.integers(0, 2, n),
        "prediction": random.random(n),
        "log_event_time": np.arange(n),
        "nothing": pa.nulls(n, pa.float64()),
    }
    path = tmp_path_factory.mktemp("table") / "t.parquet"
    pa.parquet.write_table(pa.table(columns), path, row_group_size=1_000)
    return str(path)


def test_a_table_read_in_this_process_has_the_statistics_that_beam_writes(path):
    direct, beam = table_statistics(path, CONFIG), table_statistics(path, CONFIG, job_options())
    assert told(direct) == told(beam)
    assert direct.slices.unnamed == from_tfdv(beam.datasets).unnamed > 0
    assert direct.errors.equals(beam.errors)
    assert direct.rows.schema == beam.rows.schema
    assert direct.rows.num_rows == beam.rows.num_rows == 3_000


def told(statistics: SplitStatistics) -> dict:
    found = statistics.slices or from_tfdv(statistics.datasets)
    return {
        (name, feature, known.rows, known.missing): {k: aspect(v) for k, v in known.aspects.items()}
        for name, here in found.slices.items()
        for feature, known in here.features.items()
    }


def aspect(found) -> tuple:
    if isinstance(found, Grid):
        return found.level, found.keys.tolist(), found.counts.tolist(), found.nan
    buckets = None if found.buckets is None else found.buckets.tolist()
    return dict(zip(found.values, found.counts.tolist(), strict=True)), found.rest, buckets
