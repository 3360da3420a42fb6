"""Models served in a process of their own."""

import tensorflow as tf
from tfx.types import artifact_utils, standard_artifacts
from tfx_vigil.beam_jobs.reports import ServingReport, read_report
from tfx_vigil.components import artifacts
from tfx_vigil.components.serving_checks.executor import Executor, serve

from .recorded_spans import examples_of, rows

FARE = {"fare": tf.io.FixedLenFeature([1], tf.float32)}


def save(path, score, features=FARE):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        return {"score": score(tf.io.parse_example(examples, features)["fare"])}

    module.serve = serve
    tf.saved_model.save(module, str(path), signatures={"serving_default": serve})
    return str(path)


def fatal(fare):
    """Takes the process with it when it serves."""
    with tf.control_dependencies([tf.raw_ops.Abort(error_msg="dead", exit_without_error=False)]):
        return tf.identity(fare)


def test_each_model_is_measured_and_a_fatal_one_is_no_end(tmp_path):
    examples = examples_of(tmp_path / "examples", eval=rows(0, 40))
    whole = {**FARE, "company": tf.io.FixedLenFeature([1], tf.string)}
    models = {
        "good": save(tmp_path / "good", tf.sigmoid),
        "fatal": save(tmp_path / "fatal", fatal),
        "infinite": save(tmp_path / "infinite", lambda fare: fare / 0.0),
        "other": save(tmp_path / "other", tf.sigmoid, whole),
        "none": str(tmp_path / "nowhere"),
    }
    found = {
        check.model: check for check in serve(models, f"{examples.uri}/Split-eval/*", sample=25)
    }
    assert list(found) == list(models)
    good = found["good"]
    assert (good.problem, good.requests, good.finite) == (None, 25, True)
    assert 0 < good.latency_ms.p50 <= good.latency_ms.p90 <= good.latency_ms.p99
    files = [path for path in (tmp_path / "good").rglob("*") if path.is_file()]
    assert good.size_bytes == sum(path.stat().st_size for path in files)
    assert good.inputs == {"examples": "string", "fare": "float32"}
    assert good.outputs == {"score": "float32 [1]"}
    assert "its process ended with -" in found["fatal"].problem
    assert found["infinite"].finite is False
    assert found["other"].inputs == {**good.inputs, "company": "string"}
    assert "Error" in found["none"].problem


def test_the_component_serves_the_split_with_the_models_that_it_is_given(tmp_path):
    examples = examples_of(tmp_path / "examples", train=rows(0, 40), eval=rows(0, 12))
    model, report = standard_artifacts.Model(), artifacts.ServingReport()
    model.uri, report.uri = str(tmp_path / "model"), str(tmp_path / "report")
    save(tmp_path / "model/Format-Serving", tf.sigmoid)
    Executor().Do(
        {"examples": [examples], "fine_tuned": [model], "in_service": []},
        {"report": [report]},
        {"split": "eval", "sample": 200},
    )
    [found] = read_report(artifact_utils.get_single_uri([report]), ServingReport).models
    assert (found.model, found.requests, found.problem) == ("fine_tuned", 12, None)
