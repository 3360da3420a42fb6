"""A trainer for tabular binary classification, for the stock Trainer's ``run_fn``.

Without a base model it builds a network and learns from scratch; with one it goes on training
that model at a lower rate. The SavedModel takes serialized tf.Examples, so that Evaluator,
SlicedEvaluator and TF Serving call it alike; the trainable model travels inside it, in
``assets.extra/model.keras``, for the next fine-tuning.
"""

from __future__ import annotations

import os
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from ..beam_jobs.parameters import Parameters
from ..beam_jobs.select_training_rows import WEIGHT

TRAINABLE = os.path.join("assets.extra", "model.keras")
_BATCH = 256
_MAX_CATEGORIES = 101
_PARSED = {"float": tf.float32, "int": tf.int64, "string": tf.string}
_MISSING = {"float": float("nan"), "int": -1, "string": ""}


class TabularConfig(Parameters):
    """``custom_config["tabular"]`` of the Trainer.

    Attributes:
      features: name -> ``float`` (a quantity), ``int`` (a code) or ``string`` (a category); any
        may be missing.
      label: a float column of 0 and 1.
      epochs, fine_tuning_epochs: at most so many passes over the training rows; it stops
        earlier once a tenth of the rows, set aside for this, is predicted no better.
      seed: of weights, shuffling and dropout.
    """

    features: dict[str, Literal["float", "int", "string"]]
    label: str
    epochs: int = Field(30, ge=1)
    fine_tuning_epochs: int = Field(15, ge=1)
    seed: int = 7


def run_fn(fn_args) -> None:
    """Trains on the ``train`` split and exports to ``fn_args.serving_model_dir``.

    Rows count by their ``training_weight`` if they have one.

    Raises:
      ValueError: ``base_model`` was not made by this trainer.
    """
    config = TabularConfig.model_validate(fn_args.custom_config["tabular"])
    keras.utils.set_random_seed(config.seed)
    rows = _read(fn_args.train_files, config)
    if fn_args.base_model:
        model, epochs, rate = _trainable(fn_args.base_model), config.fine_tuning_epochs, 3e-4
    else:
        model, epochs, rate = _build(rows, config), config.epochs, 1e-3
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    learned, validation = _divide(rows)
    model.fit(
        learned.shuffle(1 << 16, seed=config.seed).batch(_BATCH).prefetch(2),
        validation_data=validation.batch(_BATCH),
        epochs=epochs,
        callbacks=[keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True)],
        verbose=0,
    )
    export(model, config, fn_args.serving_model_dir)


def export(model: keras.Model, config: TabularConfig, path: str) -> None:
    """Saves ``model`` with signature ``serving_default``: ``examples`` -> ``score`` [n, 1]."""
    spec = _feature_spec(config)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        return {"score": model(tf.io.parse_example(examples, spec))}

    tf.saved_model.save(model, path, signatures={"serving_default": serve})
    trainable = os.path.join(path, TRAINABLE)
    os.makedirs(os.path.dirname(trainable), exist_ok=True)
    model.save(trainable)


def _trainable(saved_model: str) -> keras.Model:
    path = os.path.join(saved_model, TRAINABLE)
    if not os.path.exists(path):
        raise ValueError(
            f"{saved_model} has no {TRAINABLE}: only a model that this trainer exported can be "
            "fine-tuned; give training.run_fn a trainer of your own for other models"
        )
    return keras.saving.load_model(path, compile=False)


def _feature_spec(config: TabularConfig) -> dict[str, tf.io.FixedLenFeature]:
    return {
        name: tf.io.FixedLenFeature([1], _PARSED[kind], _MISSING[kind])
        for name, kind in config.features.items()
    }


def _read(patterns: list[str], config: TabularConfig) -> tf.data.Dataset:
    """Features, label [1] and weight [1] of every row."""
    files = tf.io.gfile.glob(patterns)
    spec = _feature_spec(config)
    spec[config.label] = tf.io.FixedLenFeature([1], tf.float32)
    spec[WEIGHT] = tf.io.FixedLenFeature([1], tf.float32, 1.0)

    def parse(example):
        row = tf.io.parse_single_example(example, spec)
        return row, row.pop(config.label), row.pop(WEIGHT)

    return tf.data.TFRecordDataset(files, "GZIP").map(parse)


def _divide(rows: tf.data.Dataset) -> tuple[tf.data.Dataset, tf.data.Dataset]:
    """Nine rows of ten to learn from, the tenth to stop by before the model overfits."""
    halves = []
    for is_validation in (False, True):
        half = rows.enumerate().filter(lambda i, _, v=is_validation: (i % 10 == 9) == v)
        half = half.map(lambda _, row: row).cache()
        size = half.reduce(np.int64(0), lambda n, _: n + 1)
        halves.append(half.apply(tf.data.experimental.assert_cardinality(size)))
    return halves[0], halves[1]


def _build(rows: tf.data.Dataset, config: TabularConfig) -> keras.Model:
    """A wide and deep network; its scaling and vocabularies come from ``rows``."""
    table = _columns(rows)
    inputs, encoded = {}, []
    for name, kind in config.features.items():
        inputs[name] = keras.Input((1,), name=name, dtype=_PARSED[kind].name)
        encode = _quantity if kind == "float" else _category
        encoded.append(encode(inputs[name], table[name]))
    x = keras.layers.Concatenate()(encoded)
    wide = keras.layers.Dense(1)(x)
    for units in (32, 16):
        x = keras.layers.Dropout(0.1)(keras.layers.Dense(units, "relu")(x))
    logit = keras.layers.Add()([wide, keras.layers.Dense(1)(x)])
    return keras.Model(inputs, keras.layers.Activation("sigmoid")(logit))


def _quantity(column: keras.KerasTensor, values: np.ndarray) -> keras.KerasTensor:
    """Signed logarithm, standardized, 0 where missing; beside it whether it is missing."""
    known = values[~np.isnan(values)]
    scaled = np.sign(known) * np.log1p(np.abs(known))
    missing = keras.ops.isnan(column)
    x = keras.ops.where(missing, keras.ops.zeros_like(column), column)
    x = keras.ops.sign(x) * keras.ops.log1p(keras.ops.abs(x))
    x = (x - float(scaled.mean())) / max(float(scaled.std()), 1e-6) if len(known) else x
    x = keras.ops.where(missing, keras.ops.zeros_like(x), x)
    return keras.layers.Concatenate()([x, keras.ops.cast(missing, "float32")])


def _category(column: keras.KerasTensor, values: np.ndarray) -> keras.KerasTensor:
    layer = keras.layers.StringLookup if values.dtype == object else keras.layers.IntegerLookup
    lookup = layer(output_mode="one_hot", max_tokens=_MAX_CATEGORIES)
    lookup.adapt(values)
    return lookup(column)


def _columns(rows: tf.data.Dataset) -> dict[str, np.ndarray]:
    batches = [features for features, *_ in rows.batch(4096).as_numpy_iterator()]
    if not batches:
        raise ValueError("there are no training rows: the train split is empty")
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}
