"""Estimates of rows without labels, as the evaluation makes them."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from tfx_vigil.beam_jobs import evaluate_slices
from tfx_vigil.beam_jobs.accounting import AccountError
from tfx_vigil.beam_jobs.estimated_performance.estimate import estimate
from tfx_vigil.beam_jobs.estimated_performance.large_slices import MOST_SLICES, large_slices
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.slice_search.row_sample import Sample

ROWS = 6000
REAL_METRICS = ["auc", "binary_crossentropy", "accuracy"]


def requests(task, drift=0.0):
    """Rows in the order of time, of which the newest third has no label yet; and all labels.

    ``drift`` moves what scores mean from the middle of the labelled rows on. Errors of a
    regression grow with x, and their inputs have moved in the rows without a label.
    """
    generator = np.random.default_rng(1)
    time = np.arange(ROWS)
    city = generator.choice(["Bern", "Chur", "Genf"], ROWS, p=[0.6, 0.395, 0.005])
    x = generator.normal(size=ROWS) + (0.5 if task == "regression" else 0) * (time >= 4000)
    if task == "regression":
        prediction = x
        label = x + generator.normal(size=ROWS) * np.exp(0.5 * x)
    else:
        truth = x - 0.5 + 0.8 * (city == "Chur")
        prediction = expit(1.5 * x)
        label = (generator.random(ROWS) < expit(truth + drift * (time >= 2000))).astype(float)
    rows = pd.DataFrame(
        {
            "city": city,
            "x": x,
            "prediction": prediction,
            "label": np.where(time < 4000, label, np.nan),
            "log_event_time": time,
        }
    )
    return rows, rows.assign(label=label)[4000:]


def evaluated(rows, folder, task, **settings):
    rows.to_parquet(folder / "rows.parquet")
    config = EvaluationConfig(label="label", task=task, slices=[["city"]], **settings)
    return evaluate_slices.run(
        config, str(folder / "rows.parquet"), str(folder / "out"), estimate=True
    )


@pytest.fixture(scope="module", params=["binary_classification", "regression"])
def estimated(request, tmp_path_factory):
    """The report on rows whose labels have not all come, and the one on the rest's labels."""
    folder = tmp_path_factory.mktemp(request.param)
    rows, later = requests(request.param)
    report = evaluated(rows, folder, request.param)
    return report, evaluated(later, folder, request.param), request.param


def test_bands_hold_what_the_labels_show_later(estimated):
    report, later, _ = estimated
    found = {(m.slice, m.metric): m for m in report.estimates.metrics}
    held = [
        found[m.slice, m.metric].lower <= m.value <= found[m.slice, m.metric].upper
        for m in later.metrics
        if (m.slice, m.metric) in found
    ]
    assert len(held) == len(found) >= 6
    assert np.mean(held) >= 0.7  # one draw of labels moves all metrics together
    assert all(m.lower <= m.value <= m.upper for m in found.values())


def test_estimates_count_rows_with_and_without_labels(estimated):
    report, *_ = estimated
    assert (report.estimates.rows, report.estimates.labelled) == (2000, 4000)
    assert (report.rows, report.dropped["missing_label"]) == (4000, 2000)
    n = {m.slice: m.n for m in report.estimates.metrics}
    assert n["overall"] == 2000
    assert 1900 < n["city=Bern"] + n["city=Chur"] < 2000  # the others are in a small slice


def test_slices_of_few_rows_are_only_counted(estimated):
    report, *_ = estimated
    assert {m.slice for m in report.estimates.metrics} == {"overall", "city=Bern", "city=Chur"}
    assert report.estimates.slices_left_out == 1
    assert "Genf" not in report.estimates.model_dump_json()


def test_the_same_estimate_of_newer_labelled_rows_is_held_against_their_labels(estimated):
    report, _, task = estimated
    assert report.estimates.doubts == []
    metrics = {"mse", "mae"} if task == "regression" else set(REAL_METRICS)
    checks = {check.metric: check for check in report.estimates.checks}
    assert metrics <= checks.keys()
    assert all(check.n == 2000 for check in checks.values())
    assert np.mean([c.lower <= c.real <= c.upper for c in checks.values()]) >= 0.5


def test_a_slice_off_the_curve_is_estimated_on_its_own(estimated):
    report, later, task = estimated
    if task == "regression":
        pytest.skip("has no curve")
    found = {(m.slice, m.metric): m.value for m in report.estimates.metrics}
    real = {(m.slice, m.metric): m.value for m in later.metrics}
    for name in ("city=Bern", "city=Chur"):
        assert found[name, "mean_label"] == pytest.approx(real[name, "mean_label"], abs=0.04)
    assert found["city=Chur", "mean_label"] - found["city=Bern", "mean_label"] > 0.08


def test_labels_that_no_longer_follow_the_scores_raise_a_doubt(tmp_path):
    rows, _ = requests("binary_classification", drift=-1.0)
    estimates = evaluated(rows, tmp_path, "binary_classification").estimates
    (doubt,) = estimates.doubts
    assert doubt.startswith("Scores no longer mean what they meant, concept drift: ")
    missed = [c.metric for c in estimates.checks if not c.lower <= c.real <= c.upper]
    assert {"accuracy", "mean_label"} <= set(missed)


def test_rows_without_times_are_estimated_unchecked(tmp_path):
    rows, _ = requests("binary_classification")
    estimates = evaluated(
        rows.drop(columns="log_event_time"), tmp_path, "binary_classification"
    ).estimates
    assert estimates.metrics
    assert estimates.checks == []
    assert "is not checked" in estimates.notes[0]


@pytest.mark.parametrize("task", ["binary_classification", "regression"])
def test_few_labels_give_no_estimates_and_say_so(tmp_path, task):
    rows, _ = requests(task)
    estimates = evaluated(rows[3950:], tmp_path, task).estimates
    assert estimates.metrics == []
    assert estimates.doubts[0].startswith("50 rows with a label are too few to learn from")


def test_weighted_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="rows of different weight cannot be estimated"):
        evaluated(requests("regression")[0], tmp_path, "regression", weight="x")


def test_a_lost_row_fails_the_job():
    config = EvaluationConfig(label="label")
    counts = {"rows_read": 2, "rows": 2, "dropped": 0}
    with pytest.raises(AccountError, match="labelled=2 but sampled_from=1"):
        estimate(config, "logged", "p", (), frozenset(), counts, counts, Sample(seen=1))


def test_the_largest_slices_are_estimated():
    rows = {(): 10**6} | {(("code", i),): 60 + i for i in range(MOST_SLICES + 2)}
    chosen = large_slices(rows, 50)
    assert chosen[0] == ()
    assert len(chosen) == 1 + MOST_SLICES
    assert rows.keys() - chosen == {(("code", 0),), (("code", 1),)}
