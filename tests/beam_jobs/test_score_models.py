import apache_beam as beam
import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf
from apache_beam.testing.util import assert_that
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.score_models import (
    ScoreModels,
    ServingModel,
    find_saved_model,
    prediction_column,
)

X = [0.5, -1.0, 2.0]


def save_model(path, function, output="score", signature="serving_default", dtype=tf.string):
    """A SavedModel that computes ``{output: function(x)}`` of the float feature ``x`` [n, 1]."""
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], dtype, name="examples")])
    def serve(examples):
        if dtype != tf.string:
            return {output: examples}
        spec = {"x": tf.io.FixedLenFeature([1], tf.float32)}
        x = tf.io.parse_example(examples, spec)["x"]
        values = function(x)
        return values if isinstance(values, dict) else {output: values}

    module.serve = serve
    tf.saved_model.save(module, str(path), signatures={signature: serve})
    return str(path)


def batch_of_x():
    return pa.RecordBatch.from_arrays(
        [
            pa.array([[x] for x in X], pa.large_list(pa.float32())),
            pa.array([[b"Bern"], None, [b"Basel"]], pa.large_list(pa.large_binary())),
        ],
        ["x", "city"],
    )


def examples_of_x():
    return encode_examples(batch_of_x())


@pytest.mark.parametrize(
    ("function", "scores"),
    [
        (lambda x: x + 1, [[1.5], [0.0], [3.0]]),
        (lambda x: x[:, 0], [[0.5], [-1.0], [2.0]]),
        (lambda x: tf.concat([1 - x, x], 1), [[0.5, 0.5], [2.0, -1.0], [-1.0, 2.0]]),
    ],
    ids=["column", "vector", "two classes"],
)
def test_scores_of_any_shape_become_one_row_each(tmp_path, function, scores):
    model = ServingModel(save_model(tmp_path, function))
    np.testing.assert_allclose(model.score(examples_of_x()), scores)


def test_rows_are_scored_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("tfx_vigil.beam_jobs.score_models._INFERENCE_ROWS", 2)
    model = ServingModel(save_model(tmp_path, lambda x: x))
    assert model.score(examples_of_x()).ravel().tolist() == X
    assert model.score([]).shape == (0, 1)


def test_output_is_chosen_by_name(tmp_path):
    path = save_model(tmp_path, lambda x: {"logit": x, "score": tf.sigmoid(x)})
    scores = ServingModel(path, "score").score(examples_of_x())
    np.testing.assert_allclose(scores[:, 0], 1 / (1 + np.exp(-np.array(X))), rtol=1e-6)
    with pytest.raises(ValueError, match=r"returns \['logit', 'score'\]; prediction_output must"):
        ServingModel(path)


def test_unsuitable_signatures_are_refused(tmp_path):
    other = save_model(tmp_path / "other", lambda x: x, signature="predict")
    with pytest.raises(ValueError, match=r"no signature 'serving_default', only \['predict'\]"):
        ServingModel(other)
    numbers = save_model(tmp_path / "numbers", None, dtype=tf.float32)
    with pytest.raises(ValueError, match="must take one string tensor"):
        ServingModel(numbers)
    shrinks = ServingModel(save_model(tmp_path / "shrinks", lambda x: x[:1]))
    with pytest.raises(ValueError, match=r"for 3 examples has shape \(1, 1\)"):
        shrinks.score(examples_of_x())


def test_each_model_adds_a_column(tmp_path):
    models = {
        "candidate": save_model(tmp_path / "a", lambda x: x * 2),
        "in_service": save_model(tmp_path / "b", lambda x: tf.concat([-x, x], 1)),
    }

    def check(batches):
        (batch,) = batches
        columns = batch.to_pydict()
        assert columns["city"] == [[b"Bern"], None, [b"Basel"]]
        assert columns[prediction_column("candidate")] == [[1.0], [-2.0], [4.0]]
        assert columns[prediction_column("in_service")] == [[-0.5, 0.5], [1.0, -1.0], [-2.0, 2.0]]

    with beam.Pipeline() as pipeline:
        scored = pipeline | beam.Create([batch_of_x()]) | ScoreModels(models)
        assert_that(scored, check)


@pytest.mark.parametrize("place", ["", "Format-Serving", "9", "10"])
def test_saved_model_is_found_in_artifacts_and_pushed_directories(tmp_path, place):
    directory = tmp_path / place
    directory.mkdir(exist_ok=True)
    (directory / "saved_model.pb").touch()
    assert find_saved_model(f"{tmp_path}/").rstrip("/") == str(directory)


def test_highest_pushed_version_counts(tmp_path):
    for version in ("9", "10", "1", "draft"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "saved_model.pb").touch()
    assert find_saved_model(str(tmp_path)) == str(tmp_path / "10")


def test_missing_saved_model_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no SavedModel at {tmp_path}"):
        find_saved_model(str(tmp_path))
