"""Evaluations that a tfma.EvalConfig asks for, beside TFMA's own."""

import json

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow_model_analysis as tfma
from pydantic import ValidationError
from tfx_vigil.beam_jobs import evaluate_slices as job
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_plan import make_plan
from tfx_vigil.beam_jobs.given_eval_config import parse_eval_config
from tfx_vigil.beam_jobs.reports import SliceReport, read_report

ROWS = 600
GIVEN = {
    "model_specs": [
        {"name": "new", "label_key": "y", "prediction_key": "p", "example_weight_key": "w"},
        {
            "name": "old",
            "label_key": "y",
            "prediction_key": "q",
            "example_weight_key": "w",
            "is_baseline": True,
        },
    ],
    "slicing_specs": [{}, {"feature_keys": ["city"]}, {"feature_values": {"city": "Bern"}}],
    "cross_slicing_specs": [
        {"baseline_spec": {}, "slicing_specs": [{"feature_keys": ["city"]}]},
        {"baseline_spec": {"feature_values": {"city": "Bern"}}},
    ],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "AUC"},
                {"class_name": "BinaryCrossEntropy"},
                {"class_name": "ExampleCount"},
                {"class_name": "AUC", "config": json.dumps({"curve": "PR", "name": "auc_pr"})},
                {
                    "class_name": "ConfusionMatrixAtThresholds",
                    "config": json.dumps({"thresholds": [0.5]}),
                },
                {"class_name": "CalibrationPlot"},
            ]
        }
    ],
}


def lists(values, kind):
    return pa.array([None if v is None else [v] for v in values], pa.large_list(kind))


def batch(rows=ROWS):
    rng = np.random.default_rng(5)
    p = rng.uniform(0.02, 0.98, rows)
    return pa.RecordBatch.from_arrays(
        [
            lists((rng.random(rows) < p).astype(float), pa.float32()),
            lists(p, pa.float32()),
            lists(np.clip(p + rng.normal(0, 0.2, rows), 0.01, 0.99), pa.float32()),
            lists(rng.choice([0.5, 1.0, 2.0], rows), pa.float32()),
            lists(rng.choice([b"Bern", b"Basel", b"Chur"], rows).tolist(), pa.large_binary()),
        ],
        ["y", "p", "q", "w", "city"],
    )


def evaluate(given, uri, rows=None):
    config = EvaluationConfig(eval_config=given, min_slice_rows=20)
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create([batch() if rows is None else rows])
        source | job.EvaluateSlices(config, f"{uri}/ours", f"{uri}/ours")
    return read_report(f"{uri}/ours", SliceReport)


def threshold(kind="threshold", **limits):
    """GIVEN's models and slices, one threshold on the new model's AUC."""
    value = (
        {"value_threshold": limits} if "direction" not in limits else {"change_threshold": limits}
    )
    return value if kind == "threshold" else {"threshold": value}


def with_auc(**thresholds):
    metric = {"class_name": "AUC"} | thresholds
    return GIVEN | {"metrics_specs": [{"metrics": [metric]}]}


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Our report and folder, and TFMA's folder, of the same evaluation."""
    uri = tmp_path_factory.mktemp("evaluation")
    report = evaluate(GIVEN, uri)
    config = tfma.utils.update_eval_config_with_defaults(
        parse_eval_config(GIVEN), has_baseline=True
    )
    for spec in config.model_specs:
        spec.model_type = "materialized_prediction"
    config.options.include_default_metrics.value = False
    with beam.Pipeline() as pipeline:
        source = pipeline | beam.Create([batch()])
        source | tfma.ExtractEvaluateAndWriteResults(eval_config=config, output_path=f"{uri}/tfma")
    return report, f"{uri}/ours", f"{uri}/tfma"


def flat(folder, model):
    """(slice, metric) -> number of TFMA's result files, with an interval or without."""
    found = {}
    for key, values in tfma.load_eval_result(folder, model_name=model).slicing_metrics:
        for name, value in values[""][""].items():
            value = value.get("boundedValue", value)
            found[str(key), name] = value.get("value", value.get("doubleValue", value))
    return found


@pytest.mark.parametrize("model", ["new", "old"])
def test_result_files_hold_tfmas_numbers(both, model):
    _, ours, real = both
    mine, theirs = flat(ours, model), flat(real, model)
    assert mine.keys() == theirs.keys()
    assert len(mine) > 30
    for key, value in theirs.items():
        if isinstance(value, float):
            assert mine[key] == pytest.approx(value, abs=1e-6), key
        else:
            assert json.dumps(mine[key]) == json.dumps(value), key


def test_plots_are_tfmas(both):
    _, ours, real = both
    plots = [
        {str(key): values for key, values in loaded.plots if values}
        for loaded in (tfma.load_eval_result(folder, model_name="new") for folder in (ours, real))
    ]
    assert len(plots[0]) == 4
    assert json.dumps(plots[0], sort_keys=True) == json.dumps(plots[1], sort_keys=True)


def test_report_says_what_tfma_computed_itself_and_has_no_interval_for_it(both):
    report, *_ = both
    assert report.models == ["candidate", "in_service"]
    assert report.by_tfma == ["AUC", "ConfusionMatrixAtThresholds", "CalibrationPlot"]
    found = {(m.model, m.slice, m.metric): m for m in report.metrics}
    assert found["candidate", "overall", "auc_pr"].lower is None
    own = found["candidate", "overall", "auc"]
    assert own.lower < own.value < own.upper
    assert (report.primary_metric, report.larger_is_better) == ("auc", True)


def test_slices_are_compared_with_intervals(both):
    report, *_ = both
    value = {(m.slice, m.metric): m.value for m in report.metrics if m.model == "candidate"}
    found = [d for d in report.between_slices if d.model == "candidate" and d.metric == "auc"]
    assert len(found) == 3 + 3  # the whole with each city, Bern with all other slices
    for pair in found:
        expected = value[pair.slice, "auc"] - value[pair.against, "auc"]
        assert pair.difference == pytest.approx(expected)
        assert pair.lower < pair.difference < pair.upper


BERN = {"feature_values": {"city": "Bern"}}
ZUG = {"feature_values": {"city": "Zug"}}


@pytest.mark.parametrize(
    ("thresholds", "outcomes", "valid"),
    [
        ({"threshold": threshold(lower_bound=0.6)}, {"met"}, True),
        ({"threshold": threshold(lower_bound=0.97)}, {"not_met"}, False),
        ({"threshold": threshold(lower_bound=0.1, upper_bound=0.3)}, {"not_met"}, False),
        (
            {"threshold": threshold(absolute=0.2, direction="LOWER_IS_BETTER")},
            {"met"},
            True,
        ),
        (
            {"threshold": threshold(relative=-0.2, direction="HIGHER_IS_BETTER")},
            {"met"},
            True,
        ),
        (
            {
                "per_slice_thresholds": [
                    threshold("of slices", lower_bound=0.6) | {"slicing_specs": [BERN]}
                ]
            },
            {"met"},
            True,
        ),
        (
            {
                "cross_slice_thresholds": [
                    threshold("of slices", lower_bound=-0.3, upper_bound=0.3)
                    | {"cross_slicing_specs": GIVEN["cross_slicing_specs"][:1]}
                ]
            },
            {"met"},
            True,
        ),
    ],
)
def test_clear_cases_are_decided_as_by_tfma(tmp_path, thresholds, outcomes, valid):
    given = with_auc(**thresholds)
    report = evaluate(given, tmp_path)
    assert {check.outcome for check in report.thresholds} == outcomes
    assert report.valid is valid
    result = tfma.load_validation_result(f"{tmp_path}/ours")
    assert result.validation_ok is valid
    failed = sum(len(of_slice.failures) for of_slice in result.metric_validations_per_slice)
    assert (failed == 0) is valid
    assert result.validation_details.slicing_details


def test_a_bound_inside_the_interval_is_not_enough_data_and_says_how_many_rows_would_be(tmp_path):
    measured = next(m for m in evaluate(GIVEN, tmp_path / "measured").metrics if m.metric == "auc")
    bound = measured.value - (measured.value - measured.lower) / 2
    report = evaluate(with_auc(threshold=threshold(lower_bound=bound)), tmp_path)
    whole = next(check for check in report.thresholds if check.slice == "overall")
    assert (whole.outcome, report.valid) == ("not_enough_data", False)
    assert whole.rows_needed == pytest.approx(4 * ROWS, rel=1e-3)  # half the width: four times
    assert f"{whole.rows_needed:,} rows" in whole.reason
    result = tfma.load_validation_result(f"{tmp_path}/ours")
    messages = [f.message for s in result.metric_validations_per_slice for f in s.failures]
    assert whole.reason in messages


def test_a_slice_without_rows_is_missing(tmp_path):
    limits = threshold("of slices", lower_bound=0.6) | {"slicing_specs": [ZUG]}
    report = evaluate(with_auc(per_slice_thresholds=[limits]), tmp_path)
    (check,) = report.thresholds
    assert (check.slice, check.outcome, check.n) == ("city=Zug", "not_enough_data", None)
    assert check.rows_needed == 20
    assert not report.valid
    (missing,) = tfma.load_validation_result(f"{tmp_path}/ours").missing_slices
    assert missing.feature_values == {"city": "Zug"}


def test_what_has_no_interval_here_cannot_be_told_and_what_never_has_one_is_its_value(tmp_path):
    rows = batch()
    columns = {name: rows.column(i) for i, name in enumerate(rows.schema.names)}
    columns["y"] = lists(np.zeros(ROWS), pa.float32())
    bounds = {"BinaryCrossEntropy": {"upper_bound": 9.0}, "ExampleCount": {"lower_bound": 10.0}}
    metrics = [{"class_name": n, "threshold": threshold(**limits)} for n, limits in bounds.items()]
    given = {"model_specs": [{"label_key": "y", "prediction_key": "p"}]}
    given |= {"metrics_specs": [{"metrics": metrics}]}
    report = evaluate(given, tmp_path, pa.RecordBatch.from_pydict(columns))
    assert {check.metric: (check.outcome, check.rows_needed) for check in report.thresholds} == {
        "binary_crossentropy": ("not_enough_data", None),
        "example_count": ("met", None),
    }
    assert not report.valid


def test_small_slices_are_only_checked_if_asked_for_by_value(tmp_path):
    rows = batch(30)  # about ten a city
    given = with_auc(threshold=threshold(lower_bound=0.0))
    assert {check.slice for check in evaluate(given, tmp_path / "any", rows).thresholds} == {
        "overall"
    }
    limits = threshold("of slices", lower_bound=0.0) | {"slicing_specs": [BERN]}
    (check,) = evaluate(with_auc(per_slice_thresholds=[limits]), tmp_path / "bern", rows).thresholds
    assert (check.slice, check.outcome, check.value) == ("city=Bern", "not_enough_data", None)


def test_rows_without_a_weight_are_dropped_and_counted(tmp_path):
    whole = batch()
    weights = lists([None if i < 7 else 1.0 for i in range(ROWS)], pa.float32())
    columns = [weights if n == "w" else whole.column(n) for n in whole.schema.names]
    rows = pa.RecordBatch.from_arrays(columns, whole.schema.names)
    report = evaluate(with_auc(), tmp_path, rows)
    assert (report.rows, report.dropped["missing_weight"]) == (ROWS - 7, 7)


def test_negative_weights_are_refused(tmp_path):
    whole = batch()
    columns = [
        lists([-1.0] * ROWS, pa.float32()) if n == "w" else whole.column(n)
        for n in whole.schema.names
    ]
    rows = pa.RecordBatch.from_arrays(columns, whole.schema.names)
    with pytest.raises(ValueError, match="weight column 'w' holds negative numbers"):
        evaluate(with_auc(), tmp_path, rows)


ONE = {"model_specs": [{"label_key": "y", "prediction_key": "p"}]}
AUC = {"metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (ONE, "metrics_specs: names no metric"),
        (AUC, "model_specs: one, or a candidate and a baseline, not 0"),
        (AUC | {"model_specs": [{}]}, "label_key: is missing"),
        (AUC | {"model_specs": [{"label_keys": {"a": "b"}}]}, "label_keys: such models"),
        (AUC | {"model_specs": ONE["model_specs"] * 2}, "one of two has to be the baseline"),
        (ONE | AUC | {"metric_specs": []}, "metric_specs"),
        (ONE | AUC | {"slicing_specs": [{"slice_keys_sql": "select"}]}, "slice_keys_sql"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_by_field(given, problem):
    with pytest.raises(ValidationError, match=problem):
        EvaluationConfig(eval_config=given)


def test_what_the_eval_config_says_is_not_said_otherwise():
    config = EvaluationConfig(eval_config=ONE | AUC)
    assert EvaluationConfig.model_validate_json(config.model_dump_json()) == config
    assert (config.label, config.prediction) == ("y", "p")
    with pytest.raises(ValidationError, match="label: eval_config says already 'y'"):
        EvaluationConfig(eval_config=ONE | AUC, label="z")


def test_a_change_without_a_direction_is_refused():
    change = {"threshold": {"change_threshold": {"absolute": 0.0}}}
    with pytest.raises(ValueError, match="change_threshold of auc: direction must be"):
        make_plan(
            EvaluationConfig(eval_config=with_auc(**change)), {"candidate": "p", "in_service": "q"}
        )


def test_primary_metric_is_one_with_intervals():
    config = EvaluationConfig(eval_config=GIVEN, primary_metric="auc_pr")
    with pytest.raises(ValueError, match="primary_metric: 'auc_pr' is not among"):
        make_plan(config, {"candidate": "p", "in_service": "q"})
