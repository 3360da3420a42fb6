import json

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx_vigil.beam_jobs import evaluate_slices as job
from tfx_vigil.beam_jobs.accounting import AccountError
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_plan import make_plan
from tfx_vigil.beam_jobs.evaluation_rows import DROPPED
from tfx_vigil.beam_jobs.metrics.slice_table import SliceTable
from tfx_vigil.beam_jobs.reports import SliceReport, read_report
from tfx_vigil.beam_jobs.slices import slice_name
from tfx_vigil.beam_jobs.write_evaluation import Evaluation, write_evaluation

ROWS = 400
SLICES = [["city"], ["hour"], ["city", "hour"]]


def lists(values, kind):
    return pa.array([None if v is None else [v] for v in values], pa.large_list(kind))


def taxi_rows():
    """Labelled rows; ``Chur`` has one class, ``Genf`` few rows, every 10th row no city."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=ROWS).astype(np.float32)
    city = rng.choice(["Bern", "Basel", "Chur"], ROWS).tolist()
    city[:5] = ["Genf"] * 5
    city = [None if i % 10 == 9 else c for i, c in enumerate(city)]
    label = (rng.uniform(size=ROWS) < 1 / (1 + np.exp(-x))).astype(int)
    label[[c == "Chur" for c in city]] = 0
    prediction = 1 / (1 + np.exp(-0.7 * x - 0.2))
    prediction[3] = 1.0
    return x, city, rng.integers(0, 3, ROWS), label.tolist(), prediction


def batches(size=150):
    x, city, hour, label, prediction = taxi_rows()
    batch = pa.RecordBatch.from_arrays(
        [
            lists(x, pa.float32()),
            lists([c and c.encode() for c in city], pa.large_binary()),
            lists(hour, pa.int64()),
            lists([None if i % 40 == 0 else y for i, y in enumerate(label)], pa.int64()),
            lists(prediction, pa.float32()),
        ],
        ["x", "city", "hour", "label", "prediction"],
    )
    return [batch.slice(start, size) for start in range(0, ROWS, size)]


def evaluate(config, uri, rows=None, models=None):
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create(batches() if rows is None else rows)
        source | job.EvaluateSlices(config, f"{uri}/evaluation", f"{uri}/report", models)
    return read_report(f"{uri}/report", SliceReport)


def save_logistic_model(path, slope):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return {"score": tf.sigmoid(slope * x)}

    module.serve = serve
    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
    return str(path)


BINARY = EvaluationConfig(label="label", slices=SLICES, min_slice_rows=20, min_group_rows=1)


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    uri = str(tmp_path_factory.mktemp("logged"))
    return evaluate(BINARY, uri), f"{uri}/evaluation"


@pytest.fixture(scope="module")
def two_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two_models")
    models = {
        "candidate": save_logistic_model(folder / "candidate", 1.0),
        "in_service": save_logistic_model(folder / "in_service", -0.3),
    }
    return evaluate(BINARY, str(folder), models=models), f"{folder}/evaluation"


def expected_values(chosen):
    """Binary metrics by their textbook formulas; AUC by counting pairs."""
    *_, label, prediction = taxi_rows()
    p = np.clip(np.float32(prediction).astype(float), 1e-7, 1 - 1e-7)[chosen]
    y = np.array(label, float)[chosen]
    decided = p > 0.5
    pairs = p[y == 1][:, None] - p[y == 0][None, :]
    none = y.sum() == 0
    return {
        "auc": None if none else ((pairs > 0) + (pairs == 0) / 2).mean(),
        "binary_crossentropy": -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(),
        "brier": ((p - y) ** 2).mean(),
        "accuracy": (decided == y).mean(),
        "precision": (decided * y).sum() / decided.sum(),
        "recall": None if none else (decided * y).sum() / y.sum(),
        "calibration": None if none else p.sum() / y.sum(),
        "mean_prediction": p.mean(),
        "mean_label": y.mean(),
        "example_count": len(y),
    }


def masks():
    _, city, hour, *_ = taxi_rows()
    city = np.array([c or "" for c in city])
    labelled = np.arange(ROWS) % 40 != 0
    found = {"overall": labelled}
    for c in ("Basel", "Bern", "Chur", "Genf"):
        found[f"city={c}"] = labelled & (city == c)
        for h in range(3):
            found[f"city={c}, hour={h}"] = labelled & (city == c) & (hour == h)
    return found | {f"hour={h}": labelled & (hour == h) for h in range(3)}


def number(loaded):
    """A metric as TFMA loads it, with an interval or without."""
    return loaded.get("boundedValue", {"value": loaded.get("doubleValue")})["value"]


def test_values_are_those_of_the_formulas_on_every_slice(logged):
    report, _ = logged
    found = {(m.slice, m.metric): m for m in report.metrics}
    small = dict(report.small_slices)
    for name, chosen in masks().items():
        if name != "overall" and chosen.sum() < BINARY.min_slice_rows:
            assert small.pop(name, 0) == chosen.sum()
            continue
        for metric, value in expected_values(chosen).items():
            entry = found.pop((name, metric))
            tolerance = 2e-3 if metric == "auc" else 1e-6  # TFMA bins scores for AUC
            assert entry.value == (None if value is None else pytest.approx(value, abs=tolerance))
            assert entry.n == chosen.sum()
    assert found == {}
    assert small == {}


def test_every_defined_metric_has_an_interval_around_its_value(logged):
    for metric in logged[0].metrics:
        one_class = "city=Chur" in metric.slice
        untold = one_class and metric.metric in ("binary_crossentropy", "brier")
        if metric.value is None or metric.metric == "example_count" or untold:
            assert metric.lower is None
            assert metric.upper is None
        else:
            assert metric.lower <= metric.value <= metric.upper


def test_metrics_of_one_class_have_no_value(logged):
    chur = {m.metric: m.value for m in logged[0].metrics if m.slice == "city=Chur"}
    assert {name for name, value in chur.items() if value is None} == {
        "auc",
        "recall",
        "calibration",
    }


def test_rows_without_label_are_dropped_and_counted(logged):
    report, _ = logged
    assert report.rows == ROWS - 10
    assert report.dropped == dict.fromkeys(DROPPED, 0) | {"missing_label": 10}
    assert report.models == ["logged"]
    assert (report.primary_metric, report.larger_is_better) == ("binary_crossentropy", False)
    assert report.changes == []


def test_tfma_loads_the_evaluation(logged):
    report, evaluation = logged
    result = tfma.load_eval_result(evaluation)
    assert result.config.model_specs[0].label_key == "label"
    loaded = {slice_name(key): values[""][""] for key, values in result.slicing_metrics}
    assert loaded.keys() == {name for name, chosen in masks().items() if chosen.any()}
    for metric in report.metrics:
        if metric.value is not None:
            assert number(loaded[metric.slice][metric.metric]) == metric.value
    assert "__ERROR__" in loaded["city=Genf"]


def test_models_are_evaluated_on_the_same_rows(two_models):
    report, evaluation = two_models
    assert report.models == ["candidate", "in_service"]
    rows = {m.model: m.n for m in report.metrics if m.slice == "overall"}
    assert rows == {"candidate": ROWS - 10, "in_service": ROWS - 10}
    for model in report.models:
        loaded = dict(tfma.load_eval_result(evaluation, model_name=model).slicing_metrics)
        (overall,) = [
            m for m in report.metrics if (m.model, m.slice, m.metric) == (model, "overall", "brier")
        ]
        assert number(loaded[()][""][""]["brier"]) == overall.value


def test_changes_are_paired_differences(two_models):
    report, _ = two_models
    x, _, _, label, _ = taxi_rows()
    chosen = masks()["overall"]
    y = np.array(label)[chosen]
    errors = [(1 / (1 + np.exp(-slope * x[chosen])) - y) ** 2 for slope in (1.0, -0.3)]
    difference = errors[0] - errors[1]
    changes = {(c.slice, c.metric): c for c in report.changes}
    change = changes["overall", "brier"]
    assert (change.model, change.against, change.n) == ("candidate", "in_service", len(y))
    assert change.difference == pytest.approx(difference.mean(), abs=1e-6)
    margin = 1.966 * difference.std(ddof=1) / len(y) ** 0.5  # t of 389 degrees of freedom
    assert change.lower == pytest.approx(difference.mean() - margin, abs=1e-5)
    assert change.upper == pytest.approx(difference.mean() + margin, abs=1e-5)
    assert changes["overall", "auc"].lower > 0
    assert changes["city=Chur", "auc"].difference is None
    assert {metric for _, metric in changes} == set(BINARY.metric_names) - {
        "mean_label",
        "example_count",
    }


def test_regression(tmp_path):
    rng = np.random.default_rng(0)
    label, prediction = rng.normal(20, 5, 60), rng.normal(20, 5, 60)
    rows = pa.RecordBatch.from_arrays(
        [lists(label, pa.float32()), lists(prediction, pa.float32())], ["fare", "prediction"]
    )
    config = EvaluationConfig(label="fare", task="regression", metrics=["mse", "mae"])
    report = evaluate(config, str(tmp_path), [rows])
    values = {m.metric: m for m in report.metrics}
    error = prediction - label
    assert values["mse"].value == pytest.approx((error**2).mean(), rel=1e-5)
    assert values["mae"].value == pytest.approx(np.abs(error).mean(), rel=1e-5)
    assert values["mae"].lower < values["mae"].value < values["mae"].upper
    assert report.primary_metric == "mse"


def test_groups_of_people_are_held_against_the_whole(tmp_path):
    config = EvaluationConfig(label="label", fairness=["city"], metrics=["recall"])
    report = evaluate(config, tmp_path)
    value = {(m.slice, m.metric): m.value for m in report.metrics}
    assert {metric for _, metric in value} == {"recall", "fpr", "fnr", "positive_rate"}
    pairs = {(d.against, d.metric): d for d in report.between_slices}
    assert {against for against, _ in pairs} == {"city=Basel", "city=Bern", "city=Chur"}
    for (against, metric), pair in pairs.items():
        whole, group = value["overall", metric], value[against, metric]
        if group is None:  # recall of a city that has no positive
            assert (pair.difference, pair.ratio) == (None, None)
            continue
        assert pair.slice == "overall"
        assert pair.difference == pytest.approx(whole - group)
        assert pair.ratio == pytest.approx(whole / group)
        assert pair.lower < pair.difference < pair.upper
        assert pair.ratio_lower < pair.ratio < pair.ratio_upper


def test_a_search_is_of_the_first_model_that_is_no_baseline(two_models, tmp_path):
    search = {"features": ["city", "hour"]}
    config = EvaluationConfig(label="label", search=search, min_slice_rows=20)
    found = evaluate(config, tmp_path / "logged").found
    assert (found.model, found.loss, found.rows) == ("logged", "log_loss", ROWS - 10)
    assert found.candidates > 0
    assert two_models[0].found is None
    plan = make_plan(BINARY, {"in_service": "a", "candidate": "b"})
    assert plan.first_model == "candidate"


def test_no_rows_make_a_report_without_metrics(tmp_path):
    unlabelled = [b.slice(0, 1) for b in batches()[:1]]
    report = evaluate(BINARY, str(tmp_path), unlabelled)
    assert (report.rows, report.metrics, report.small_slices) == (0, [], {})
    assert report.dropped["missing_label"] == 1
    assert tfma.load_eval_result(f"{tmp_path}/evaluation").slicing_metrics == []


def test_lost_rows_fail_the_job(tmp_path):
    plan = make_plan(BINARY, {"logged": "prediction"})
    evaluation = Evaluation(BINARY, plan, {}, f"{tmp_path}/e", f"{tmp_path}/r")
    nothing = SliceTable(plan.needs()).statistics()
    counts = {"rows_read": 3, "rows": 2} | dict.fromkeys(DROPPED, 0) | {"missing_label": 1}
    with pytest.raises(AccountError, match="rows=2 but overall=0"):
        write_evaluation(evaluation, counts, nothing)


@pytest.mark.parametrize("min_slice_rows", [1, 20])
def test_a_slice_of_one_person_is_named_nowhere_and_counted(tmp_path, min_slice_rows):
    [*rest, last] = batches()
    city = lists([b"Ada Lovelace", *[b"Bern"] * (last.num_rows - 1)], pa.large_binary())
    columns = [city if name == "city" else last.column(name) for name in last.schema.names]
    rows = [*rest, pa.RecordBatch.from_arrays(columns, last.schema.names)]
    config = EvaluationConfig(
        label="label", slices=SLICES, min_slice_rows=min_slice_rows, search={}
    )
    report = evaluate(config, tmp_path, rows)
    assert {m.slice for m in report.metrics} > {"overall", "city=Bern"}
    # Ada alone, crossed with her hour, and the five rows of Geneva likewise.
    assert report.unnamed_slices >= 4
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert not [path for path in files if b"Lovelace" in path.read_bytes()]
    loaded = tfma.load_eval_result(f"{tmp_path}/evaluation").slicing_metrics
    assert loaded
    assert "Genf" not in str(loaded)


def test_command_line_evaluates_a_table(tmp_path, capsys):
    _, city, hour, label, prediction = taxi_rows()
    table = pa.table({"town": city, "hour": hour, "y": label, "p": prediction.astype(np.float32)})
    pq.write_table(table, tmp_path / "predictions.parquet")
    job.main(
        f"--data={tmp_path}/predictions.parquet --output={tmp_path}/out --label=y --prediction=p "
        "--slice-by=town --slice-by=hour,town --metric=brier --primary-metric=brier "
        "--min-group-rows=1".split()
    )
    printed = SliceReport.model_validate(json.loads(capsys.readouterr().out))
    assert printed == read_report(f"{tmp_path}/out", SliceReport)
    assert printed.rows == ROWS
    assert "town=Bern" in {m.slice for m in printed.metrics}
    assert "hour=1, town=Genf" in printed.small_slices
    assert tfma.load_eval_result(f"{tmp_path}/out").slicing_metrics


def test_table_without_the_label_is_refused(tmp_path):
    pq.write_table(pa.table({"p": [0.5]}), tmp_path / "predictions.parquet")
    with pytest.raises(ValueError, match="no row with a label in column 'y'"):
        job.run(
            EvaluationConfig(label="y", prediction="p"),
            f"{tmp_path}/predictions.parquet",
            f"{tmp_path}/out",
        )
