"""Loads SavedModels, serves real requests with them, and says how that went.

Run as a process of its own, so that a model that brings its process down is an outcome. It reads
``{"models": {name: SavedModel}, "requests": pattern, "sample": n}`` from standard input and writes
one ServingCheck a model to standard output, each in a line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from ...beam_jobs.reports import Quantiles, ServingCheck
from ...beam_jobs.score_models import SIGNATURE

_ROUNDS = 3
_WARM_UP = 5
_PARSE = "ParseExampleV2"


def main() -> None:
    asked = json.load(sys.stdin)
    files = tf.io.gfile.glob(asked["requests"])
    rows = tf.data.TFRecordDataset(files, "GZIP").take(asked["sample"])
    requests = list(rows.as_numpy_iterator())
    for name, path in asked["models"].items():
        try:
            found = _check(name, path, requests)
        except Exception as error:  # whatever a model raises is what is to be found out
            found = ServingCheck(
                model=name,
                problem=f"{type(error).__name__}: {error}"[:300],
                size_bytes=_size(path),
            )
        print(found.model_dump_json(), flush=True)


def _check(name: str, path: str, requests: list[bytes]) -> ServingCheck:
    model = tf.saved_model.load(path)
    if SIGNATURE not in model.signatures:
        raise ValueError(f"no signature {SIGNATURE!r}, only {sorted(model.signatures)}")
    serve = model.signatures[SIGNATURE]
    inputs = serve.structured_input_signature[1]
    if len(inputs) != 1:
        raise ValueError(f"{SIGNATURE} takes {sorted(inputs)}, expected serialized tf.Examples")
    (key,) = inputs
    singles = [{key: tf.constant([request])} for request in requests]
    for request in singles[:_WARM_UP]:
        serve(**request)
    rounds = [_milliseconds(serve, singles) for _ in range(_ROUNDS)]
    quiet = min(rounds, key=lambda times: times.sum())
    together = serve(**{key: tf.constant(requests)})
    return ServingCheck(
        model=name,
        requests=len(requests),
        size_bytes=_size(path),
        latency_ms=Quantiles(**{f"p{q}": float(np.percentile(quiet, q)) for q in (50, 90, 99)}),
        finite=all(
            bool(tf.reduce_all(tf.math.is_finite(value)))
            for value in together.values()
            if value.dtype.is_floating
        ),
        inputs={key: inputs[key].dtype.name, **dict(_parsed(path))},
        outputs={k: f"{v.dtype.name} {v.shape.as_list()[1:]}" for k, v in together.items()},
    )


def _milliseconds(serve, requests: list[dict[str, tf.Tensor]]) -> np.ndarray:
    """How long each request took, [requests]."""
    times = []
    for request in requests:
        start = time.perf_counter()
        for value in serve(**request).values():
            value.numpy()
        times.append(time.perf_counter() - start)
    return np.array(times) * 1e3


def _size(path: str) -> int:
    """Bytes of all files below ``path``."""
    return sum(
        tf.io.gfile.stat(f"{folder}/{file}").length
        for folder, _, files in tf.io.gfile.walk(path)
        for file in files
    )


def _parsed(path: str) -> Iterator[tuple[str, str]]:
    """Feature -> type, of what the model parses out of tf.Examples with fixed lengths."""
    saved = SavedModel()
    with tf.io.gfile.GFile(f"{path}/saved_model.pb", "rb") as file:
        saved.ParseFromString(file.read())
    graph = saved.meta_graphs[0].graph_def
    for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
        constants = {node.name: node for node in nodes if node.op == "Const"}
        for node in nodes:
            if node.op == _PARSE:
                yield from zip(_keys(node, constants), _types(node), strict=False)


def _keys(node: NodeDef, constants: dict[str, NodeDef]) -> list[str]:
    """``dense_keys``, the fourth input."""
    found = constants.get(node.input[3].split(":")[0])
    if found is None:
        return []
    return [key.decode() for key in tf.make_ndarray(found.attr["value"].tensor).ravel()]


def _types(node: NodeDef) -> list[str]:
    return [tf.dtypes.as_dtype(kind).name for kind in node.attr["Tdense"].list.type]


if __name__ == "__main__":
    main()
