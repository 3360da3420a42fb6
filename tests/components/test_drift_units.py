"""A feature that comes in another unit is broken, not drifted."""

import numpy as np
import pytest
import tensorflow_data_validation as tfdv
from tfx_vigil.components.drift_validator.config import DriftConfig

from .drift_statistics import compare, statistics_of

RNG = np.random.default_rng(0)
DRAWN = {
    "skewed": lambda n: RNG.lognormal(2, 1, n),
    "zero-inflated": lambda n: RNG.lognormal(2, 1, n) * (RNG.random(n) < 0.5),
    "both signs": lambda n: RNG.normal(0, 5, n),
    "seconds since 1970": lambda n: RNG.uniform(1.76e9, 1.77e9, n),
    "counts": lambda n: RNG.poisson(40, n).astype(float),
}


def found_in(before, now, config=None):
    splits = {"serving": statistics_of({"x": now})}
    found = compare(splits, statistics_of({"x": before}), {}, None, config or DriftConfig())
    return found, [a for a in found.report.anomalies if a.kind == "other_unit"]


@pytest.mark.parametrize("kind", DRAWN)
@pytest.mark.parametrize(("factor", "told"), [(0.01, "a 100th of"), (1000, "1,000 times")])
def test_a_multiple_of_all_values_is_another_unit(kind, factor, told):
    found, [anomaly] = found_in(DRAWN[kind](3_000), factor * DRAWN[kind](2_000))
    assert (anomaly.feature, anomaly.split, anomaly.severity) == ("x", "serving", "error")
    assert f"Values are {told} what they were" in anomaly.description
    assert found.report.severity == "act"
    broken = next(f for f in found.report.findings if f.kind == "broken")
    assert "do not train on this span" in broken.action
    shown = tfdv.utils.display_util.get_anomalies_dataframe(found.anomalies["overall", "serving"])
    assert anomaly.description in shown["Anomaly long description"].iloc[0]


@pytest.mark.parametrize(
    "now",
    [
        lambda x: x,
        lambda x: 1.5 * x,
        lambda x: 5 * x,
        lambda x: x + 100,
        lambda x: 10 * x + 100,
        lambda x: x**1.5,
        lambda x: 100 * x * (RNG.random(len(x)) < 0.7),
        lambda x: np.where(RNG.random(len(x)) < 0.8, 100 * x, x),
        lambda x: np.full(len(x), 700.0),
        lambda x: np.where(RNG.random(len(x)) < 0.7, np.inf, x),
    ],
)
def test_other_changes_are_drift(now):
    assert found_in(RNG.lognormal(2, 1, 3_000), now(RNG.lognormal(2, 1, 2_000)))[1] == []


@pytest.mark.parametrize("rows", [20, 99])
def test_few_rows_tell_no_unit(rows):
    assert found_in(RNG.lognormal(2, 0.1, 3_000), 100 * RNG.lognormal(2, 0.1, rows))[1] == []


def test_prediction_and_label_have_no_unit():
    before, now = RNG.lognormal(2, 1, 1_000), 100 * RNG.lognormal(2, 1, 1_000)
    assert found_in(before, now, DriftConfig(prediction="x"))[1] == []
    assert found_in(before, now, DriftConfig(label="x"))[1] == []


def test_without_training_the_newest_span_tells_the_unit():
    earlier = {"1": {"serving": statistics_of({"x": RNG.lognormal(2, 1, 1_000)})}}
    now = {"serving": statistics_of({"x": 60 * RNG.lognormal(2, 1, 1_000)})}
    anomalies = compare(now, None, earlier, None, DriftConfig()).report.anomalies
    assert ["60 times" in a.description for a in anomalies if a.kind == "other_unit"] == [True]
