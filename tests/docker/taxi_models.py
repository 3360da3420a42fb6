"""What the proof asks of models: which one serves, whether two are the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from .taxi_runs import MOUNT


def model_in_service(volume: Path) -> Path:
    """Folder of the model that the history on ``volume`` names."""
    named = json.loads((volume / "history" / "model_in_service.json").read_text())["model"]
    return volume / Path(named).relative_to(MOUNT)


def assert_same_model(one: Path, other: Path) -> None:
    """Asserts that two SavedModels have the same weights, to the last bit."""
    ours, theirs = _weights(one), _weights(other)
    assert len(ours) > 4
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name], err_msg=name)


def scores(saved_model: Path, rows: Path) -> np.ndarray:
    """The model's scores of the first rows of a TFRecord file, shape [500, 1]."""
    examples = tf.data.TFRecordDataset(str(rows), "GZIP").take(500)
    signature = tf.saved_model.load(str(saved_model)).signatures["serving_default"]
    return signature(examples=tf.constant(list(examples.as_numpy_iterator())))["score"].numpy()


def _weights(saved_model: Path) -> dict[str, np.ndarray]:
    checkpoint = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
    names = [n for n in checkpoint.get_variable_to_shape_map() if "OBJECT_GRAPH" not in n]
    return {name: np.asarray(checkpoint.get_tensor(name)) for name in names}
