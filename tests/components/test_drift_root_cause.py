"""Which input moved the prediction, on rows where that is known."""

import numpy as np
import pyarrow as pa
import pytest
from tfx_vigil.components.drift_validator.model_versions import new_version
from tfx_vigil.components.drift_validator.root_cause import is_clear, prediction_change, shares

INPUTS = ["fare", "miles", "payment", "weather", "absent"]


def rows(n, seed, longer=0.0, cash=0.5, gone=0.0, bonus=0.0, payment="card") -> pa.Table:
    """Prediction is 2 log(fare) + 1 for cards; miles goes along with fare, weather with nothing."""
    rng = np.random.default_rng(seed)
    fare = rng.lognormal(2 + longer, 0.5, n)
    paid = np.where(rng.random(n) < cash, "cash", payment)
    return pa.table(
        {
            "fare": pa.array(fare, mask=rng.random(n) < gone),
            "miles": fare * rng.lognormal(0, 0.4, n),
            "payment": pa.array(paid).dictionary_encode(),
            "weather": pa.array([[float(x)] for x in rng.normal(size=n)]),
            "prediction": 2 * np.log(fare) + (paid != "cash") + bonus,
        }
    )


def taken_apart(current: pa.Table, n=4_000):
    return prediction_change(rows(n, 1), current, "prediction", INPUTS, "previous")


@pytest.mark.parametrize(
    ("changed", "explained"),
    [
        ({"longer": 0.2}, {"fare": 1.0}),
        ({"cash": 0.2}, {"payment": 1.0}),
        ({"longer": 0.15, "cash": 0.2}, {"fare": 0.5, "payment": 0.5}),
        ({"bonus": 0.5}, {}),
    ],
)
def test_each_input_explains_what_it_moved_and_its_companions_next_to_nothing(changed, explained):
    change = taken_apart(rows(4_000, 2, **changed))
    assert is_clear(change)
    told = shares(change)
    assert told.keys() == {"fare", "miles", "payment", "weather"}
    for name, (share, error) in told.items():
        assert share == pytest.approx(explained.get(name, 0.0), abs=0.2)
        assert error < 0.15
    assert next(iter(told)) in (explained or told)
    rest = change.unexplained / (change.current - change.baseline)
    assert rest == pytest.approx(1 - sum(explained.values()), abs=0.1)


def test_contributions_and_the_rest_add_up_to_the_change():
    change = taken_apart(rows(3_000, 3, longer=0.1, cash=0.4, bonus=0.1))
    parts = sum(c.change for c in change.contributions) + change.unexplained
    assert parts == pytest.approx(change.current - change.baseline)
    assert (change.n_baseline, change.n_current) == (4_000, 3_000)


def test_shares_are_not_told_where_the_change_is_within_its_error():
    change = taken_apart(rows(100, 4))
    assert not is_clear(change)
    assert shares(change) == {}


def test_errors_are_larger_on_fewer_rows_and_hold_the_truth():
    few, many = (taken_apart(rows(n, 5, longer=0.3), n) for n in (200, 8_000))
    for change, wide in (few, 0.5), (many, 0.1):
        share, error = shares(change)["fare"]
        assert abs(share - 1) < 3 * error < 3 * wide
    assert shares(few)["fare"][1] > 3 * shares(many)["fare"][1]


def test_a_value_that_training_never_had_is_left_to_the_rest():
    change = taken_apart(rows(4_000, 6, payment="voucher", bonus=0.7))
    told = {c.feature: c.change for c in change.contributions}
    assert told["payment"] == pytest.approx(-0.25, abs=0.05)
    assert change.unexplained == pytest.approx(0.95, abs=0.1)


def test_missing_values_are_a_bin_of_their_own():
    baseline = rows(4_000, 7, gone=0.3)
    silent = baseline.filter(baseline["fare"].is_null())
    change = prediction_change(baseline, silent, "prediction", ["fare"], "previous")
    assert abs(change.contributions[0].change) < 0.1


def test_of_a_predicted_category_the_share_that_moved_most_is_taken_apart():
    def labelled(table):
        high = table["prediction"].to_numpy() > 5
        rare = np.arange(len(high)) < 3
        return table.set_column(
            table.column_names.index("prediction"),
            "prediction",
            pa.array(np.where(rare, "one person", np.where(high, "tip", "no tip"))),
        )

    before, after = labelled(rows(4_000, 8)), labelled(rows(4_000, 9, longer=0.3))
    change = prediction_change(before, after, "prediction", INPUTS, "training", min_group_rows=10)
    assert change.predicted in ("tip", "no tip")
    assert shares(change)["fare"][0] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(
    "prediction",
    [
        pytest.param(pa.array([[0.1, 0.9]] * 100), id="vectors"),
        pytest.param(pa.array([None] * 100, pa.float64()), id="none"),
        pytest.param(pa.array([0.5] * 40 + [None] * 60), id="few"),
    ],
)
def test_nothing_is_told_of_predictions_that_are_lists_or_too_few(prediction):
    table = pa.table({"prediction": prediction, "fare": np.arange(100.0)})
    assert prediction_change(table, table, "prediction", ["fare"], "previous") is None
    assert prediction_change(table.select(["fare"]), table, "prediction", ["fare"], "x") is None


def served(*versions: tuple[str, int]) -> pa.Table:
    names = [version for version, n in versions for _ in range(n)]
    hours = [1_400_000_000_000_000 + 3_600_000_000 * i for i in range(len(names))]
    return pa.table({"log_model_version": names, "log_event_time": hours})


def test_the_version_that_answers_since_is_named_with_its_first_row():
    found = new_version(served(("6", 100)), served(("6", 60), ("7", 40)), 10)
    assert (found.version, found.before, found.now) == ("7", 0.0, 0.4)
    assert f"{found.since:%Y-%m-%d %H:%M}" == "2014-05-16 04:53"


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(served(("6", 97), ("7", 3)), id="a trial on few rows"),
        pytest.param(served(("6", 100)), id="the same"),
        pytest.param(pa.table({"fare": [1.0]}), id="not in the log"),
    ],
)
def test_no_other_version_is_none(now):
    assert new_version(served(("6", 100)), now, 10) is None
