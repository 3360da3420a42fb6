"""Evaluations of several classes, beside TFMA's own."""

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from pydantic import ValidationError
from sklearn import metrics
from tfx_vigil.beam_jobs import evaluate_slices as job
from tfx_vigil.beam_jobs.evaluation_config import MULTI_CLASS, EvaluationConfig
from tfx_vigil.beam_jobs.given_eval_config import parse_eval_config
from tfx_vigil.beam_jobs.reports import SliceReport, read_report
from tfx_vigil.beam_jobs.slice_search import SliceSearchConfig

ROWS = 500
CLASSES = ["cat", "dog", "horse", "owl"]
WEIGHTS = {str(i): weight for i, weight in enumerate((1.0, 2.0, 1.0, 0.5))}
GIVEN = {
    "model_specs": [{"label_key": "y", "prediction_key": "p", "example_weight_key": "w"}],
    "slicing_specs": [{}, {"feature_keys": ["city"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "SparseCategoricalCrossentropy"},
                {"class_name": "SparseCategoricalAccuracy"},
                {"class_name": "SparseTopKCategoricalAccuracy", "config": '{"k": 2}'},
                {"class_name": "ExampleCount"},
            ]
        },
        {
            "binarize": {"class_ids": {"values": [0, 3]}},
            "metrics": [{"class_name": name} for name in ("AUC", "Precision", "Recall")],
        },
        {
            "aggregate": {"macro_average": True, "class_weights": WEIGHTS},
            "metrics": [{"class_name": name} for name in ("AUC", "Recall")],
        },
        {
            "aggregate": {"micro_average": True, "class_weights": dict.fromkeys(WEIGHTS, 1.0)},
            "metrics": [{"class_name": "Precision"}],
        },
    ],
}


def data(seed=3):
    """Labels, probabilities, weights and cities; equal probabilities here and there."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.3, (ROWS, len(CLASSES)))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    y = np.array([rng.choice(len(CLASSES), p=row) for row in p])
    p[::25] = 1 / len(CLASSES)
    return y, p.astype(np.float32), rng.choice([0.5, 2.0], ROWS), rng.choice(["Bern", "Genf"], ROWS)


def batch(labels=None):
    y, p, w, city = data()
    columns = {
        "y": pa.array([[v] for v in (y.tolist() if labels is None else labels)]),
        "p": pa.array(p.tolist(), pa.large_list(pa.float32())),
        "w": pa.array([[v] for v in w], pa.large_list(pa.float32())),
        "city": pa.array([[c.encode()] for c in city], pa.large_list(pa.large_binary())),
    }
    return pa.RecordBatch.from_pydict(columns)


def evaluate(uri, rows=None, **settings):
    config = EvaluationConfig(task=MULTI_CLASS, classes=CLASSES, min_slice_rows=20, **settings)
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create([batch() if rows is None else rows])
        source | job.EvaluateSlices(config, str(uri), str(uri))
    return read_report(str(uri), SliceReport)


def numbers(folder):
    """(slice, sub key, metric) -> number."""
    found = {}
    for key, values in tfma.load_eval_result(folder).slicing_metrics:
        for sub_key, of_key in values[""].items():
            for name, value in of_key.items():
                value = value.get("boundedValue", value)
                found[key, sub_key, name] = float(value.get("value", value.get("doubleValue")))
    return found


def test_result_files_hold_tfmas_numbers(tmp_path):
    report = evaluate(tmp_path / "ours", eval_config=GIVEN)
    assert report.by_tfma == ["Precision"]  # its micro average
    real = tfma.utils.update_eval_config_with_defaults(parse_eval_config(GIVEN))
    real.options.include_default_metrics.value = False
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create([batch()])
        source | tfma.ExtractEvaluateAndWriteResults(
            eval_config=real, output_path=str(tmp_path / "tfma")
        )
    mine, theirs = numbers(tmp_path / "ours"), numbers(tmp_path / "tfma")
    assert mine.keys() == theirs.keys()
    assert len(mine) == 3 * (4 + 2 * 3 + 2 + 1)
    for key, value in theirs.items():
        assert mine[key] == pytest.approx(value, abs=1e-5), key


def test_metrics_are_scikit_learns_and_have_intervals(tmp_path):
    y, p, _, city = data()
    report = evaluate(tmp_path, label="y", prediction="p", slices=[["city"]])
    found = {(m.slice, m.metric): m for m in report.metrics}
    for slice_, chosen in (("overall", np.full(ROWS, True)), ("city=Bern", city == "Bern")):
        labels, scores = y[chosen], p[chosen].astype(float)
        scores = scores / scores.sum(axis=1, keepdims=True)
        one_hot = labels[:, None] == np.arange(len(CLASSES))
        expected = {
            "macro_precision": metrics.precision_score(one_hot, scores > 0.5, average="macro"),
            "macro_recall": metrics.recall_score(one_hot, scores > 0.5, average="macro"),
            "accuracy": metrics.accuracy_score(labels, scores.argmax(axis=1)),
            "categorical_crossentropy": metrics.log_loss(labels, scores),
            "macro_auc": metrics.roc_auc_score(labels, scores, multi_class="ovr"),
        }
        for name, value in expected.items():
            assert found[slice_, name].value == pytest.approx(value, abs=2e-4)
            assert found[slice_, name].lower < value < found[slice_, name].upper
        assert found[slice_, "top_3_accuracy"].value > found[slice_, "accuracy"].value
        assert found[slice_, "example_count"].value == chosen.sum()
    assert report.primary_metric == "categorical_crossentropy"


def test_labels_may_be_the_names_of_classes(tmp_path):
    y, *_ = data()
    named = batch([CLASSES[i].encode() for i in y])
    both = [
        evaluate(tmp_path / name, rows, label="y", prediction="p")
        for name, rows in (("ids", batch()), ("names", named))
    ]
    assert both[0] == both[1]


def test_slices_are_searched_by_the_loss_of_all_classes(tmp_path):
    y, *_, city = data()
    labels = [(i + 1) % 4 if c == "Genf" else i for i, c in zip(y.tolist(), city, strict=True)]
    report = evaluate(
        tmp_path, batch(labels), label="y", prediction="p", search=SliceSearchConfig()
    )
    assert report.found.loss == "categorical_log_loss"
    assert [finding.slice for finding in report.found.findings] == ["city=Genf"]


@pytest.mark.parametrize(
    ("column", "values", "problem"),
    [
        ("y", [[7]] * ROWS, "label column 'y' holds 500 values that are none of the 4 classes"),
        ("y", [[b"cow"]] * ROWS, "label column 'y' holds 500 values that are none of the 4"),
        ("p", [[0.5, 0.5]] * ROWS, "prediction column 'p' has other than 4 probabilities"),
        ("p", [[2.0, 0.1, 0.1, 0.1]] * ROWS, "scores from 0.1 to 2: a classification needs"),
    ],
)
def test_what_is_no_class_or_probability_is_refused(tmp_path, column, values, problem):
    rows = batch()
    columns = [
        pa.array(values) if name == column else rows.column(name) for name in rows.schema.names
    ]
    rows = pa.RecordBatch.from_arrays(columns, rows.schema.names)
    with pytest.raises(ValueError, match=problem):
        evaluate(tmp_path, rows, label="y", prediction="p")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"task": MULTI_CLASS}, "classes: name them"),
        ({"classes": ["a", "b"]}, "classes: name them"),
        ({"task": MULTI_CLASS, "classes": ["a", "a"]}, "must be different"),
        ({"task": MULTI_CLASS, "classes": ["a"]}, "at least two"),
    ],
)
def test_classes_are_asked_for(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        EvaluationConfig(label="y", **settings)
