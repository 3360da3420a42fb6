import numpy as np
import pyarrow as pa
import pytest
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_rows import EPSILON, SelectRows

FLOATS = pa.large_list(pa.float32())
INTS = pa.large_list(pa.int64())
TEXTS = pa.large_list(pa.large_binary())


def select(config, predictions=None, **columns):
    """Columns given as (lists, type); the selected rows as Python lists, and the counts."""
    arrays = {name: pa.array(lists, kind) for name, (lists, kind) in columns.items()}
    batch = pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))
    counts, *selected = SelectRows(config, predictions or {"logged": "prediction"}).process(batch)
    return (selected[0].to_pydict() if selected else {}), dict(counts.value)


def test_rows_without_label_or_finite_prediction_are_dropped_and_counted():
    rows, counts = select(
        EvaluationConfig(label="label"),
        label=([[1], [0], None, [], [1], [0], [1]], INTS),
        prediction=(
            [[0.5], None, [0.5], [0.25], [float("nan")], [0.75], [float("inf")]],
            FLOATS,
        ),
    )
    assert rows == {"label": [[1.0], [0.0]], "prediction": [[0.5], [0.75]]}
    assert counts == {
        "rows_read": 7,
        "rows": 2,
        "model_decided": 0,
        "missing_label": 2,
        "missing_prediction": 3,
        "missing_weight": 0,
        "missing_query": 0,
    }


def test_rows_whose_outcome_the_model_decided_are_counted():
    _, counts = select(
        EvaluationConfig(label="label"),
        label=([[1], [0], None, [1]], INTS),
        prediction=([[0.5], [0.5], [0.5], [0.5]], FLOATS),
        log_model_decided=([[1], [0], [1], None], INTS),
    )
    assert (counts["rows"], counts["model_decided"]) == (3, 1)


def test_a_row_needs_the_prediction_of_every_model():
    rows, counts = select(
        EvaluationConfig(label="label"),
        {"candidate": "a", "in_service": "b"},
        label=([[1], [0]], INTS),
        a=([[0.5], [0.5]], FLOATS),
        b=([[0.5], None], FLOATS),
    )
    assert counts["missing_prediction"] == 1
    assert rows == {"label": [[1.0]], "a": [[0.5]], "b": [[0.5]]}


@pytest.mark.parametrize("positive_class", [None, "yes"])
def test_absent_label_column_drops_every_row(positive_class):
    config = EvaluationConfig(label="label", positive_class=positive_class)
    rows, counts = select(config, prediction=([[0.5], [0.1]], FLOATS))
    assert rows == {}
    assert counts["missing_label"] == counts["rows_read"] == 2


@pytest.mark.parametrize(
    ("labels", "positive_class"),
    [(([[b"yes"], [b"no"], None], TEXTS), "yes"), (([[2], [1], None], INTS), "2")],
)
def test_positive_class_makes_labels_of_one_and_zero(labels, positive_class):
    rows, counts = select(
        EvaluationConfig(label="label", positive_class=positive_class),
        label=labels,
        prediction=([[0.5]] * 3, FLOATS),
    )
    assert rows["label"] == [[1.0], [0.0]]
    assert counts["missing_label"] == 1


def test_second_of_two_class_probabilities_is_the_score():
    rows, _ = select(
        EvaluationConfig(label="label"),
        label=([[1], [0]], INTS),
        prediction=([[0.75, 0.25], [0.5, 0.5]], FLOATS),
    )
    assert rows["prediction"] == [[0.25], [0.5]]


def test_certain_probabilities_are_clipped():
    rows, _ = select(
        EvaluationConfig(label="label"),
        label=([[1], [0]], INTS),
        prediction=([[1.0], [0.0]], FLOATS),
    )
    assert rows["prediction"] == [[1 - EPSILON], [EPSILON]]


def test_regression_takes_any_number():
    rows, counts = select(
        EvaluationConfig(label="label", task="regression"),
        label=([[-3], [70], [5]], INTS),
        prediction=([[-2.5], [80.0], [float("inf")]], FLOATS),
    )
    assert rows == {"label": [[-3.0], [70.0]], "prediction": [[-2.5], [80.0]]}
    assert counts["missing_prediction"] == 1


@pytest.mark.parametrize(
    ("config", "label", "prediction", "message"),
    [
        ({}, ([[2]], INTS), ([[0.5]], FLOATS), "'label' holds values other than 0 and 1"),
        ({}, ([[b"yes"]], TEXTS), ([[0.5]], FLOATS), "'label' holds text: set positive_class"),
        ({"positive_class": "yes"}, ([[1]], INTS), ([[0.5]], FLOATS), "'label' holds numbers"),
        ({}, ([[1, 0]], INTS), ([[0.5]], FLOATS), "'label' holds 2 values in a row"),
        ({}, ([[1]], INTS), ([[1.5]], FLOATS), "'prediction' holds scores from 1.5 to 1.5"),
        ({}, ([[1]], INTS), ([[0.1, 0.2, 0.7]], FLOATS), "'prediction' holds 3 values in a row"),
        ({}, ([[1]], INTS), ([[b"0.5"]], TEXTS), "'prediction' holds text"),
        (
            {"task": "regression"},
            ([[1]], INTS),
            ([[1.0, 2.0]], FLOATS),
            "'prediction' holds 2 values in a row",
        ),
    ],
)
def test_unusable_columns_are_refused_by_name(config, label, prediction, message):
    with pytest.raises(ValueError, match=message):
        select(EvaluationConfig(label="label", **config), label=label, prediction=prediction)


def test_slice_values_are_kept_for_the_rows_that_stay():
    rows, _ = select(
        EvaluationConfig(label="label", slices=[["city"], ["hour", "fare"], ["absent"]]),
        label=([[1], None, [0], [1]], INTS),
        prediction=([[0.5]] * 4, FLOATS),
        city=([[b"Bern", b"\xff"], [b"Basel"], None, [b"Bern"]], TEXTS),
        hour=([[7], [8], [9], []], INTS),
        fare=([[0.1], [0.2], [float("nan")], None], FLOATS),
    )
    assert rows["city"] == [[b"Bern", "\ufffd".encode()], [], [b"Bern"]]
    assert rows["hour"] == [[7], [9], []]
    assert rows["fare"] == [[0.1], [], []]
    assert "absent" not in rows


def test_values_survive_slicing_of_the_batch():
    kind = pa.large_list(pa.float32())
    whole = pa.RecordBatch.from_arrays(
        [
            pa.array([[1], [0], [1], [0]], kind),
            pa.array([[0.125], [0.25], [0.5], [0.75]], kind),
            pa.array([[1], [2, 3], None, [4]], INTS),
        ],
        ["label", "prediction", "hour"],
    )
    config = EvaluationConfig(label="label", slices=[["hour"]])
    _, selected = SelectRows(config, {"logged": "prediction"}).process(whole.slice(1, 3))
    assert selected.to_pydict() == {
        "label": [[0.0], [1.0], [0.0]],
        "prediction": [[0.25], [0.5], [0.75]],
        "hour": [[2, 3], [], [4]],
    }
    assert np.all(np.asarray(selected.column(0).value_lengths()) == 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": ["f1"]}, "metrics: no \\['f1'\\]"),
        ({"metrics": ["auc"], "primary_metric": "brier"}, "primary_metric: 'brier' is not among"),
        ({"primary_metric": "calibration"}, "neither direction of 'calibration'"),
        ({"task": "regression", "positive_class": "x"}, "positive_class"),
        ({"slices": [[]]}, "slices: \\[\\]"),
        ({"slices": [["a", "a"]]}, "slices:"),
        ({"slices": [["a", "b"], ["b", "a"]]}, "names the same slices twice"),
        ({"slices": [["label"]]}, "must not hold the label"),
        ({"min_rows": 3}, "min_rows"),
    ],
)
def test_inconsistent_parameters_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        EvaluationConfig(label="label", **given)


def test_direction_follows_from_the_primary_metric():
    assert not EvaluationConfig(label="y").larger_is_better
    assert EvaluationConfig(label="y", primary_metric="auc").larger_is_better
    assert EvaluationConfig(label="y", task="regression").primary_name == "mse"
