"""Rows of another time weighed to look like those of now."""

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.examples import WriteExamples
from tfx_vigil.beam_jobs.tables import list_columns
from tfx_vigil.beam_jobs.weigh_rows import WEIGHT, SampleInputs, WeighByDensity

from .subjects.stored_rows import parsed, read

FEATURES = ["fare", "kind"]


def rides(seed, n, shift=0.0, taxi=0.25):
    rng = np.random.default_rng(seed)
    return {
        "fare": rng.normal(shift, 1, n).astype(np.float32),
        "kind": np.where(rng.random(n) < taxi, "taxi", "bus"),
        "log_request_id": np.char.add(f"{seed}-", np.arange(n).astype(str)),
    }


def batches(columns, size=10_000):
    whole = list_columns("rows", pa.RecordBatch.from_pydict(columns))
    return [whole.slice(start, size) for start in range(0, whole.num_rows, size)]


@pytest.fixture
def weighed(tmp_path):
    def weighed(earlier, current, weight=0.5, features=FEATURES, size=10_000):
        """Weights of the earlier rows, in their order."""
        folder = tmp_path / str(size)
        with beam.Pipeline() as pipeline:
            of_now = (
                pipeline
                | "Current" >> beam.Create(batches(current, size))
                | "SampleCurrent" >> SampleInputs(features)
            )
            (
                pipeline
                | "Earlier" >> beam.Create(batches(earlier, size), reshuffle=False)
                | WeighByDensity(weight, of_now, features)
                | WriteExamples(str(folder))
            )
        rows = [row.features.feature for file in folder.iterdir() for row in parsed(read(file))]
        weights = {
            row["log_request_id"].bytes_list.value[0].decode(): row[WEIGHT].float_list.value[0]
            for row in rows
        }
        assert len(rows) == len(weights) == len(earlier["fare"])
        return np.array([weights[name] for name in earlier["log_request_id"]])

    return weighed


def test_weighed_rows_have_the_inputs_of_now_and_count_as_much_as_their_span(weighed):
    earlier, current = rides(1, 6_000), rides(2, 6_000, shift=0.7, taxi=0.5)
    weights = weighed(earlier, current, weight=0.5)
    assert weights.mean() == pytest.approx(0.5, rel=0.05)
    assert np.average(earlier["fare"], weights=weights) > 0.7 * current["fare"].mean()
    assert np.average(earlier["kind"] == "taxi", weights=weights) > 0.42


def test_rows_of_one_distribution_are_weighed_alike(weighed):
    weights = weighed(rides(1, 3_000), rides(2, 3_000), weight=1.0)
    assert weights.std() < 0.2


def test_a_row_s_weight_does_not_depend_on_how_rows_are_spread_over_batches(weighed):
    earlier, current = rides(1, 900), rides(2, 6_000, shift=0.7)
    in_one, in_many = (weighed(earlier, current, size=size) for size in (10_000, 170))
    np.testing.assert_array_equal(in_one, in_many)


@pytest.mark.parametrize(
    ("rows", "features"), [(99, FEATURES), (300, ["absent"]), (300, ["log_request_id"])]
)
def test_with_too_few_rows_or_nothing_to_tell_them_apart_all_have_the_span_s_weight(
    rows, features, weighed
):
    weights = weighed(rides(1, rows), rides(2, 300, shift=2.0), weight=0.25, features=features)
    assert set(weights) == {0.25}
