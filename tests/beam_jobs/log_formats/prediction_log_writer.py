"""PredictionLogs in TFRecord files, as TF Serving and TFX's BulkInferrer write them.

Lost: the request id, which PredictionLog has no field for; fractions of seconds; the difference
of integers and floats, where a tensor is written for each feature.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from .calls import Call


def write(folder: Path, calls: list[Call], tensors: bool = False) -> dict:
    """``tensors``: inputs are a tensor a feature and no tf.Examples."""
    files = min(len(calls), 2)
    for n in range(files):
        path = folder / f"prediction_logs-{n:05d}-of-{files:05d}.gz"
        with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
            for call in calls[n::files]:
                writer.write(to_log(call, tensors).SerializeToString(deterministic=True))
    return {"format": "prediction_log", "logs": f"{folder}/prediction_logs-*-of-*.gz"}


def to_log(call: Call, tensors: bool = False) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    log.log_metadata.timestamp_secs = call.time // 1_000_000
    predict = log.predict_log
    if call.model_version.isdecimal():
        predict.response.model_spec.version.value = int(call.model_version)
    else:
        predict.response.model_spec.version_label = call.model_version
    inputs = predict.request.inputs
    if tensors:
        for name in call.rows[0]:
            values = [[row[name]] for row in call.rows]
            dtype = tf.string if type(values[0][0]) is str else tf.float32
            inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype))
    else:
        examples = [to_example(row).SerializeToString(deterministic=True) for row in call.rows]
        inputs["examples"].CopyFrom(tf.make_tensor_proto(examples, tf.string, [len(examples)]))
    scores = tf.make_tensor_proto([[score] for score in call.predictions], tf.float32)
    predict.response.outputs["outputs"].CopyFrom(scores)
    return log


def to_example(row: dict[str, float | str]) -> tf.train.Example:
    example = tf.train.Example()
    for name, value in row.items():
        feature = example.features.feature[name]
        if type(value) is str:
            feature.bytes_list.value.append(value.encode())
        elif type(value) is int:
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return example
