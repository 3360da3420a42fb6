"""The default trainer: what a row's weight does."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import tensorflow as tf
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.tables import list_columns
from tfx_vigil.pipelines.tabular_trainer import run_fn

from ..components.recorded_spans import write_examples


def test_rows_count_by_their_training_weight(tmp_path):
    """Three rows of four contradict the others and hardly count."""
    x = np.tile([0.0, 1.0], 800).astype(np.float32)
    weighty = np.repeat([True, False, False, False], 2)[np.arange(1600) % 8]
    label = np.where(weighty, x, 1 - x).astype(np.float32)
    weight = np.where(weighty, 1, 0.01).astype(np.float32)
    write_examples(tmp_path / "train", {"x": x, "label": label, "training_weight": weight})
    run_fn(
        SimpleNamespace(
            train_files=[str(tmp_path / "train" / "*")],
            base_model=None,
            serving_model_dir=str(tmp_path / "model"),
            custom_config={"tabular": {"features": {"x": "float"}, "label": "label", "epochs": 10}},
        )
    )
    serve = tf.saved_model.load(str(tmp_path / "model")).signatures["serving_default"]
    asked = list_columns("rows", pa.RecordBatch.from_pydict({"x": x[:2]}))
    low, high = serve(examples=tf.constant(list(encode_examples(asked))))["score"].numpy().ravel()
    assert low < 0.5 < high
