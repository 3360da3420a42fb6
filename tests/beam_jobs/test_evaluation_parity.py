"""The same numbers as TFMA and scikit-learn on taxi trips, with all that real rows come with."""

import apache_beam as beam
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from sklearn import linear_model, metrics
from tfx_vigil.beam_jobs import evaluate_slices as job
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.given_eval_config import parse_eval_config
from tfx_vigil.beam_jobs.reports import SliceReport, read_report
from tfx_vigil.pipelines.demo.taxi import LABEL, PAYMENT, trips

ROWS = 1500
SLICES = ["company", "trip_start_hour", PAYMENT]
CLASSES = """
AUC BinaryCrossEntropy MeanSquaredError BinaryAccuracy Precision Recall FPR Calibration
MeanPrediction MeanLabel ExampleCount WeightedExampleCount
"""
GIVEN = {
    "model_specs": [
        {"label_key": LABEL, "prediction_key": "score", "example_weight_key": "weight"}
    ],
    "slicing_specs": [
        {},
        *({"feature_keys": [name]} for name in SLICES),
        {"feature_keys": ["trip_start_hour", PAYMENT]},
        {"feature_values": {PAYMENT: "Bitcoin"}},
    ],
    "metrics_specs": [
        {
            "metrics": [{"class_name": name} for name in CLASSES.split()],
            "example_weights": {"weighted": True},
        },
    ],
}


def scored_trips():
    """1,500 trips with a score; some lack company, label or score. Nobody who paid nothing tipped,
    so that slice has one class."""
    frame = trips().iloc[:ROWS].reset_index(drop=True)
    rng = np.random.default_rng(0)
    inputs = frame[["fare", "trip_miles", "trip_seconds"]].astype(float).fillna(0).clip(0, 1e4)
    model = linear_model.LogisticRegression(max_iter=1000).fit(np.log1p(inputs), frame[LABEL])
    score = 1.5 * model.predict_proba(np.log1p(inputs))[:, 1]
    frame["score"] = np.float32(np.clip(score + rng.normal(0, 0.1, len(frame)), 0.001, 0.999))
    frame["weight"] = np.float32(rng.choice([0.5, 1.0, 3.0], len(frame)))
    frame[LABEL] = frame[LABEL].astype(float)
    frame.loc[frame.index % 41 == 0, LABEL] = None
    frame.loc[frame.index % 43 == 0, "score"] = np.nan
    return frame


def as_batch(frame):
    kinds = {
        "company": pa.large_binary(),
        PAYMENT: pa.large_binary(),
        "trip_start_hour": pa.int64(),
    }
    columns = {}
    for name in [*SLICES, LABEL, "score", "weight"]:
        values = [
            None if pd.isna(v) else [v.encode() if isinstance(v, str) else v] for v in frame[name]
        ]
        columns[name] = pa.array(values, pa.large_list(kinds.get(name, pa.float32())))
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    """The trips, our report, and the result files of both."""
    uri = str(tmp_path_factory.mktemp("parity"))
    frame = scored_trips()
    config = EvaluationConfig(eval_config=GIVEN, min_slice_rows=1, min_group_rows=1)
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create([as_batch(frame[:700]), as_batch(frame[700:])])
        source | job.EvaluateSlices(config, f"{uri}/ours", f"{uri}/ours")
    usable = frame.dropna(subset=[LABEL, "score"])
    real = tfma.utils.update_eval_config_with_defaults(parse_eval_config(GIVEN))
    real.options.include_default_metrics.value = False
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create([as_batch(usable)])
        source | tfma.ExtractEvaluateAndWriteResults(eval_config=real, output_path=f"{uri}/tfma")
    return usable, read_report(f"{uri}/ours", SliceReport), f"{uri}/ours", f"{uri}/tfma"


def numbers(folder):
    found = {}
    for key, values in tfma.load_eval_result(folder).slicing_metrics:
        for name, value in values[""][""].items():
            value = value.get("boundedValue", value)
            found[key, name] = float(value.get("value", value.get("doubleValue", "nan")))
    return found


def test_every_number_of_every_slice_is_tfmas(evaluated):
    *_, ours, real = evaluated
    mine, theirs = numbers(ours), numbers(real)
    assert mine.keys() == theirs.keys()
    assert len({key for key, _ in mine}) > 60
    for key, value in theirs.items():
        assert mine[key] == pytest.approx(value, abs=1e-6, nan_ok=True), key


def test_a_slice_of_one_class_says_so_by_the_absence_of_its_auc(evaluated):
    _, report, *_ = evaluated
    found = {(m.slice, m.metric): m for m in report.metrics}
    assert found[f"{PAYMENT}=No Charge", "mean_label"].value == 0
    assert found[f"{PAYMENT}=No Charge", "auc"].value is None
    assert found[f"{PAYMENT}=No Charge", "recall"].value is None
    assert f"{PAYMENT}=Bitcoin" not in {slice_ for slice_, _ in found}


def test_rows_are_accounted_for(evaluated):
    usable, report, *_ = evaluated
    assert report.rows == len(usable)
    assert report.rows + sum(report.dropped.values()) == ROWS
    assert report.dropped["missing_label"] == len(range(0, ROWS, 41))
    assert report.dropped["missing_prediction"] > 0


SKLEARN = {
    "auc": (lambda y, p, w: metrics.roc_auc_score(y, p, sample_weight=w), 2e-4),
    "binary_crossentropy": (lambda y, p, w: metrics.log_loss(y, p, sample_weight=w), 1e-6),
    "mean_squared_error": (lambda y, p, w: metrics.brier_score_loss(y, p, sample_weight=w), 1e-6),
    "binary_accuracy": (lambda y, p, w: metrics.accuracy_score(y, p > 0.5, sample_weight=w), 1e-6),
    "precision": (lambda y, p, w: metrics.precision_score(y, p > 0.5, sample_weight=w), 1e-6),
    "recall": (lambda y, p, w: metrics.recall_score(y, p > 0.5, sample_weight=w), 1e-6),
}


@pytest.mark.parametrize("name", SKLEARN)
def test_numbers_are_scikit_learns(evaluated, name):
    usable, report, *_ = evaluated
    metric, tolerance = SKLEARN[name]
    found = {m.slice: m.value for m in report.metrics if m.metric == name}
    for slice_, rows in {
        "overall": usable,
        f"{PAYMENT}=Credit Card": usable[usable[PAYMENT] == "Credit Card"],
        "trip_start_hour=19": usable[usable.trip_start_hour == 19],
    }.items():
        y, p, w = (rows[c].to_numpy(float) for c in (LABEL, "score", "weight"))
        assert found[slice_] == pytest.approx(metric(y, p, w), abs=tolerance)
