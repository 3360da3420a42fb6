"""What TFX's own BulkInferrer logs of a real model's predictions, read back."""

import csv
from importlib import resources
from pathlib import Path

import keras
import pytest
import tensorflow as tf
from tfx.components.bulk_inferrer import executor
from tfx.types import standard_artifacts
from tfx_vigil.beam_jobs.ingest_config import IngestConfig
from tfx_vigil.beam_jobs.log_formats.prediction_log import PredictionLogs

from .logged_records import records_of
from .prediction_log_writer import to_example

TRIPS = 500
NUMBERS = ("fare", "trip_miles", "trip_seconds")
COMPANIES = 32


@pytest.fixture(scope="module")
def trips():
    """Trips as rows of features; a cell without a value is a missing feature."""
    data = resources.files("tfx") / "examples/chicago_taxi_pipeline/data/big_tipper_label/data.csv"
    with data.open() as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(TRIPS), strict=False)]
    return [
        {name: _float32(x) if name in NUMBERS else x for name, x in row.items() if x}
        for row in rows
    ]


def _float32(text):
    return float(tf.constant(float(text)))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of a SavedModel that takes serialized tf.Examples.

    Exported by Keras: BulkInferrer runs it in a session of TensorFlow 1, which does not find the
    variables of a Keras 3 model that ``tf.saved_model.save`` has written.
    """
    keras.utils.set_random_seed(1)
    inputs = keras.Input((len(NUMBERS) + COMPANIES,))
    hidden = keras.layers.Dense(8, activation="tanh")(inputs)
    network = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    spec = {name: tf.io.FixedLenFeature([], tf.float32, 0.0) for name in NUMBERS}
    spec["company"] = tf.io.FixedLenFeature([], tf.string, "")

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        features = tf.io.parse_example(examples, spec)
        numbers = tf.stack([features[name] / 100.0 for name in NUMBERS], axis=1)
        company = tf.strings.to_hash_bucket_fast(features["company"], COMPANIES)
        return {"score": network(tf.concat([numbers, tf.one_hot(company, COMPANIES)], axis=1))}

    archive = keras.export.ExportArchive()
    archive.track(network)
    archive.add_endpoint("serve", serve)
    folder = tmp_path_factory.mktemp("model")
    archive.write_out(str(folder / "Format-Serving"), verbose=False)
    return folder


@pytest.fixture(scope="module")
def logs(trips, model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("inference")
    split = folder / "examples" / "Split-serving"
    split.mkdir(parents=True)
    with tf.io.TFRecordWriter(str(split / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for row in trips:
            writer.write(to_example(row).SerializeToString())
    examples = standard_artifacts.Examples()
    examples.uri, examples.split_names = str(split.parent), '["serving"]'
    trained, result = standard_artifacts.Model(), standard_artifacts.InferenceResult()
    trained.uri, result.uri = str(model), str(folder / "InferenceResult")
    executor.Executor().Do(
        {"examples": [examples], "model": [trained]},
        {"inference_result": [result]},
        {"data_spec": "{}", "model_spec": "{}"},
    )
    return list(Path(result.uri).glob("prediction_logs-*-of-*.gz"))


def test_features_and_scores_are_those_of_the_model(trips, model, logs):
    records = records_of(logs, "prediction_log")
    parsed = PredictionLogs(
        IngestConfig(format="prediction_log", logs="x", untimed="window")
    ).parse_all(records)
    assert (len(records), parsed.bad) == (TRIPS, {})
    assert set(parsed.times) == set(parsed.ids) == {None}
    found = [
        ({name: value for name, value in row.items() if value is not None}, score)
        for row, score in zip(parsed.rows, parsed.predictions, strict=True)
    ]
    serve = tf.saved_model.load(str(model / "Format-Serving")).signatures["serving_default"]
    examples = [to_example(row).SerializeToString() for row in trips]
    scores = serve(tf.constant(examples))["score"].numpy().ravel().tolist()
    assert len({round(score, 4) for score in scores}) > TRIPS / 4
    expected = sorted(zip(trips, scores, strict=True), key=_key)
    found.sort(key=_key)
    assert [row for row, _ in found] == [row for row, _ in expected]
    assert [score for _, score in found] == pytest.approx(
        [score for _, score in expected], abs=1e-6
    )


def _key(pair):
    row, score = pair
    return sorted(row.items()), score
