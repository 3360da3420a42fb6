import json
import os

import apache_beam as beam
import pyarrow as pa
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tfx.types import artifact_utils, channel_utils, standard_artifacts
from tfx.utils import json_utils
from tfx_vigil.beam_jobs import reports
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.examples import WriteExamples, split_pattern
from tfx_vigil.components import SlicedEvaluator
from tfx_vigil.components.artifacts import SliceReport
from tfx_vigil.components.sliced_evaluator.executor import Executor

CONFIG = EvaluationConfig(
    label="label", slices=[["city"]], metrics=["brier", "auc"], primary_metric="brier"
)
ROWS = 120


def write_examples(uri, **splits):
    """An Examples artifact; each split's rows carry their labels from the list given."""
    artifact = standard_artifacts.Examples()
    artifact.uri = str(uri)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    for split, labels in splits.items():
        rows = range(len(labels))
        batch = pa.RecordBatch.from_arrays(
            [
                pa.array([[i / ROWS - 0.5] for i in rows], pa.large_list(pa.float32())),
                pa.array([[(i + 1) / (ROWS + 1)] for i in rows], pa.large_list(pa.float32())),
                pa.array([[b"Bern"] if i % 2 else [b"Basel"] for i in rows]),
                pa.array(labels, pa.large_list(pa.float32())),
            ],
            ["x", "prediction", "city", "label"],
        )
        batches = [batch] if labels else []
        with beam.Pipeline() as pipeline:
            pipeline | beam.Create(batches) | WriteExamples(f"{uri}/Split-{split}")
    return artifact


def write_model(uri, slope):
    """A Model artifact in TFX's layout."""
    artifact = standard_artifacts.Model()
    artifact.uri = str(uri)
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        x = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]
        return {"score": tf.sigmoid(slope * x)}

    module.serve = serve
    tf.saved_model.save(module, f"{uri}/Format-Serving", signatures={"serving_default": serve})
    return artifact


def outputs_in(folder):
    kinds = {
        "evaluation": standard_artifacts.ModelEvaluation,
        "report": SliceReport,
        "blessing": standard_artifacts.ModelBlessing,
    }
    outputs = {name: kind() for name, kind in kinds.items()}
    for name, artifact in outputs.items():
        artifact.uri = f"{folder}/{name}"
    return outputs


def run(folder, splits=("labelled",), config=CONFIG, outputs=None, estimate=(), **inputs):
    outputs = outputs or outputs_in(folder)
    Executor().Do(
        {key: [artifact] for key, artifact in inputs.items()},
        {key: [artifact] for key, artifact in outputs.items()},
        {
            "config": config.model_dump_json(),
            "splits": json_utils.dumps(list(splits)),
            "estimate_splits": json_utils.dumps(list(estimate)),
        },
    )
    report = reports.read_report(outputs["report"].uri, reports.SliceReport)
    return report, outputs["evaluation"].uri


LABELS = [[float(i % 3 == 0)] for i in range(ROWS)]


def test_logged_predictions_of_a_split_are_evaluated(tmp_path):
    examples = write_examples(tmp_path / "examples", serving=[None] * 7, labelled=[*LABELS, None])
    report, evaluation = run(tmp_path, examples=examples)
    assert report.models == ["logged"]
    assert (report.rows, report.dropped["missing_label"]) == (ROWS, 1)
    assert {m.slice for m in report.metrics} == {"overall", "city=Basel", "city=Bern"}
    slices = {key for key, _ in tfma.load_eval_result(evaluation).slicing_metrics}
    assert slices == {(), (("city", "Basel"),), (("city", "Bern"),)}


@pytest.mark.parametrize("rows", [ROWS, 0])
def test_metrics_of_a_split_without_labels_are_estimated(tmp_path, rows):
    examples = write_examples(tmp_path / "examples", serving=[None] * rows, labelled=LABELS)
    report, _ = run(tmp_path, examples=examples, estimate=["serving"])
    assert (report.rows, report.dropped["missing_label"]) == (ROWS, 0)
    assert (report.estimates.rows, report.estimates.labelled) == (rows, ROWS)
    slices = ["overall", "city=Basel", "city=Bern"] if rows else []
    assert list(dict.fromkeys(m.slice for m in report.estimates.metrics)) == slices
    assert {m.metric for m in report.estimates.metrics} == ({"brier", "auc"} if rows else set())


def test_candidate_is_compared_with_the_model_in_service(tmp_path):
    examples = write_examples(tmp_path / "examples", a=LABELS[:70], b=LABELS[70:])
    report, evaluation = run(
        tmp_path,
        splits=["a", "b"],
        examples=examples,
        model=write_model(tmp_path / "model", 0.0),
        baseline_model=write_model(tmp_path / "baseline", -50.0),
    )
    assert report.models == ["candidate", "in_service"]
    assert report.rows == ROWS
    (change,) = [c for c in report.changes if (c.slice, c.metric) == ("overall", "brier")]
    assert change.lower < change.difference < change.upper < 0
    for model in report.models:
        assert tfma.load_eval_result(evaluation, model_name=model).slicing_metrics
    config = tfma.load_eval_result(evaluation, model_name="candidate").config
    assert {spec.name: spec.is_baseline for spec in config.model_specs} == {
        "candidate": False,
        "in_service": True,
    }


@pytest.mark.parametrize("files", ["empty file", "no file"])
def test_split_without_rows_gives_a_report_without_metrics(tmp_path, files):
    examples = write_examples(tmp_path / "examples", labelled=[])
    if files == "no file":
        for match in beam.io.filesystems.FileSystems.match(
            [split_pattern(examples.uri, "labelled")]
        )[0].metadata_list:
            os.remove(match.path)
    report, evaluation = run(tmp_path, examples=examples)
    assert (report.rows, report.metrics, report.changes) == (0, [], [])
    assert tfma.load_eval_result(evaluation).slicing_metrics == []


def test_unknown_split_is_refused(tmp_path):
    examples = write_examples(tmp_path / "examples", serving=LABELS)
    with pytest.raises(ValueError, match=r"has no split \['labelled'\], only \['serving'\]"):
        run(tmp_path, examples=examples)


def test_component_declares_standard_artifacts():
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    model = channel_utils.as_channel([standard_artifacts.Model()])
    node = SlicedEvaluator(examples, CONFIG, model=model, splits=["eval"])
    assert node.outputs["evaluation"].type is standard_artifacts.ModelEvaluation
    assert node.outputs["report"].type is SliceReport
    assert node.outputs["blessing"].type is standard_artifacts.ModelBlessing
    assert node.exec_properties == {
        "config": CONFIG.model_dump_json(),
        "splits": '["eval"]',
        "estimate_splits": "[]",
        "history_root": None,
        "span": None,
    }


def test_component_refuses_unknown_parameters():
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    with pytest.raises(ValueError, match="thresold"):
        SlicedEvaluator(examples, {"label": "label", "thresold": 0.5})


def with_threshold(**threshold):
    """Of Brier's score of the candidate, per city too."""
    metric = {
        "class_name": "MeanSquaredError",
        "config": json.dumps({"name": "brier"}),
        "threshold": threshold,
    }
    spec = {
        "model_specs": [{"label_key": "label"}],
        "slicing_specs": [{}, {"feature_keys": ["city"]}],
        "metrics_specs": [{"metrics": [metric]}],
    }
    return json_format.ParseDict(spec, config_pb2.EvalConfig())


def parameters(config):
    examples = channel_utils.as_channel([standard_artifacts.Examples()])
    node = SlicedEvaluator(examples, config)
    return EvaluationConfig.model_validate_json(node.exec_properties["config"])


BETTER = {"absolute": 0.0, "direction": "LOWER_IS_BETTER"}


@pytest.mark.parametrize(
    ("threshold", "valid", "outcome"),
    [
        ({"change_threshold": BETTER}, True, "met"),
        ({"change_threshold": BETTER | {"relative": -0.99}}, False, "not_met"),
        ({"value_threshold": {"upper_bound": 0.2}}, False, "not_met"),
        ({"value_threshold": {"upper_bound": 0.2501}}, True, "met"),
    ],
)
def test_model_is_blessed_by_the_thresholds_of_an_eval_config(tmp_path, threshold, valid, outcome):
    config = parameters(with_threshold(**threshold))
    outputs = outputs_in(tmp_path)
    examples = write_examples(tmp_path / "examples", labelled=LABELS)
    model = write_model(tmp_path / "model", 0.0)
    baseline = write_model(tmp_path / "baseline", -50.0)
    report, evaluation = run(
        tmp_path,
        config=config,
        outputs=outputs,
        examples=examples,
        model=model,
        baseline_model=baseline,
    )
    assert report.valid is valid
    assert {check.slice for check in report.thresholds} == {"overall", "city=Basel", "city=Bern"}
    assert outcome in {check.outcome for check in report.thresholds}
    blessing = outputs["blessing"]
    assert os.listdir(blessing.uri) == ["BLESSED" if valid else "NOT_BLESSED"]
    assert blessing.get_int_custom_property("blessed") == int(valid)
    assert blessing.get_string_custom_property("current_model") == model.uri
    assert blessing.get_string_custom_property("baseline_model") == baseline.uri
    assert tfma.load_validation_result(evaluation).validation_ok is valid


def test_without_a_baseline_thresholds_of_change_do_not_count(tmp_path):
    threshold = {"change_threshold": BETTER, "value_threshold": {"upper_bound": 0.3}}
    outputs = outputs_in(tmp_path)
    report, evaluation = run(
        tmp_path,
        config=parameters(with_threshold(**threshold)),
        outputs=outputs,
        examples=write_examples(tmp_path / "examples", labelled=LABELS),
        model=write_model(tmp_path / "model", 0.0),
    )
    assert report.valid
    assert tfma.load_validation_result(evaluation).rubber_stamp
    assert os.listdir(outputs["blessing"].uri) == ["BLESSED"]


def test_without_thresholds_there_is_no_blessing(tmp_path):
    outputs = outputs_in(tmp_path)
    report, evaluation = run(
        tmp_path,
        config=parameters(with_threshold()),
        outputs=outputs,
        examples=write_examples(tmp_path / "examples", labelled=LABELS),
        model=write_model(tmp_path / "model", 0.0),
    )
    assert report.valid is None
    assert tfma.load_validation_result(evaluation).missing_thresholds
    assert not os.path.exists(outputs["blessing"].uri)


def test_a_model_that_was_never_retrained_is_compared_too(tmp_path):
    models = {
        key: write_model(tmp_path / key, slope)
        for key, slope in (("model", 4.0), ("baseline_model", 2.0), ("first_model", -2.0))
    }
    examples = write_examples(tmp_path / "examples", labelled=LABELS)
    report, _ = run(tmp_path / "three", examples=examples, **models)
    assert report.models == ["candidate", "in_service", "first"]
    two = {key: model for key, model in models.items() if key != "first_model"}
    alone, _ = run(tmp_path / "two", examples=examples, **two)
    of_two = [c for c in report.changes if c.model == "candidate"]
    assert of_two == alone.changes
    assert {(c.model, c.against) for c in report.changes} == {
        ("candidate", "in_service"),
        ("first", "in_service"),
    }
