"""Groups of too few rows are named nowhere: not slices, nor values of a feature."""

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from tfx_vigil.components.drift_validator.config import DriftConfig
from tfx_vigil.components.drift_validator.named_values import with_named_values

from .drift_statistics import compare, statistics_of, stock_statistics

SLICES = [["company"], ["company", "hour"]]
CONFIG = DriftConfig(slices=SLICES)
ADA = "Ada_Lovelace"


def trips(n, seed, planted=0):
    rng = np.random.default_rng(seed)
    company = rng.choice(["Blue", "Yellow", "Green"], n).astype(object)
    company[:planted] = ADA
    return {"company": company, "hour": rng.integers(0, 3, n), "fare": rng.random(n)}


def everything_told(findings) -> str:
    anomalies = [f"{place} {found}" for place, found in findings.anomalies.items()]
    return "\n".join([findings.report.model_dump_json(), *anomalies])


@pytest.fixture(scope="module")
def training():
    return statistics_of(trips(3_000, 1), SLICES)


def found(training, planted, config=CONFIG, with_schema=False, previous_planted=None):
    schema = tfdv.infer_schema(training, False) if with_schema else None
    previous = {}
    if previous_planted is not None:
        previous = {
            "1": {"serving": statistics_of(trips(2_000, 3, previous_planted), config.slices)}
        }
    current = {"serving": statistics_of(trips(2_000, 2, planted), config.slices)}
    return compare(current, training, previous, schema, config)


@pytest.mark.parametrize("with_schema", [True, False])
@pytest.mark.parametrize("previous_planted", [None, 0, 1, 9, 500])
def test_a_person_who_is_a_slice_of_their_own_is_named_nowhere(
    training, with_schema, previous_planted
):
    findings = found(
        training, planted=1, with_schema=with_schema, previous_planted=previous_planted
    )
    told = everything_told(findings)
    if previous_planted == 500:  # That many are no secret: they are named as missing.
        assert " of the previous statistics not in split serving" in told
    else:
        assert "Lovelace" not in told
    assert "company=Blue" in told
    assert any("2 slices of split serving with fewer than 10 rows" in x
               for x in findings.report.not_compared)  # fmt: skip


def test_that_there_are_new_rare_values_is_told_without_their_names(training):
    [anomaly] = found(training, planted=3, with_schema=True).report.anomalies
    assert (anomaly.feature, anomaly.kind) == ("company", "new_value")
    assert "(values of fewer than 10 rows)" in anomaly.description


def test_without_a_floor_the_same_person_is_named(training):
    config = CONFIG.model_copy(update={"min_group_rows": 1})
    assert "Lovelace" in everything_told(found(training, 1, config, with_schema=True))


def test_from_the_floor_on_a_group_is_named(training):
    assert "company=Ada_Lovelace" in everything_told(found(training, planted=200))


def test_values_below_the_floor_become_one_unless_they_are_known():
    values = np.array(["a"] * 20 + ["b"] * 9 + ["c"] * 2 + ["d"], dtype=object)
    [feature] = stock_statistics({"x": values}).datasets[0].features
    told = with_named_values(feature, {"c"}, 10).string_stats
    counts = {b.label: b.sample_count for b in told.rank_histogram.buckets}
    assert counts == {"a": 20, "c": 2, "(values of fewer than 10 rows)": 10}
    assert {v.value for v in told.top_values} == counts.keys()
    [number] = stock_statistics({"x": np.arange(5)}).datasets[0].features
    assert with_named_values(number, (), 10) == number
