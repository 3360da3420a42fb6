"""Bodies of the Open Inference Protocol over gRPC, logged as JSON, as bodies over HTTP.

grpc_predict_v2.proto: ModelInferRequest and ModelInferResponse, in protobuf's JSON mapping
(lowerCamelCase names, or the original ones; 64-bit integers as strings; bytes in base64; the
values NaN and infinity as strings).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..log_containers.row_values import text
from ..log_values import Malformed
from .payloads import from_base64
from .tensors import unpack

_RAW = {
    "inputs": ("rawInputContents", "raw_input_contents"),
    "outputs": ("rawOutputContents", "raw_output_contents"),
}
_CONTENTS = ("contents", *_RAW["inputs"], *_RAW["outputs"], "modelName", "modelVersion")
_WORDS = {"NaN": None, "Infinity": math.inf, "-Infinity": -math.inf}


def is_grpc(body: Mapping[str, Any]) -> bool:
    """True for what a body over HTTP never has."""
    if not body.keys().isdisjoint(_CONTENTS):
        return True
    return any(
        "contents" in tensor
        for field in _RAW
        for tensor in _list(body.get(field))
        if type(tensor) is dict
    )


def http_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """With the names, and the tensors' ``shape`` and ``data``, that a body over HTTP has."""
    http = dict(body)
    for name, camel in (("model_name", "modelName"), ("model_version", "modelVersion")):
        if camel in body:
            http[name] = body[camel]
    for field, names in _RAW.items():
        if type(body.get(field)) is list:
            raw = next((body[name] for name in names if name in body), None)
            http[field] = _tensors(body[field], _list(raw), field)
    return http


def _tensors(tensors: list, raw: list, field: str) -> list:
    if any(type(tensor) is not dict for tensor in tensors) or (raw and len(raw) != len(tensors)):
        raise Malformed("bad_value", field)
    return [
        {
            **tensor,
            "shape": [_integer(n) for n in _list(tensor.get("shape"))],
            "data": (
                unpack(from_base64(raw[i], field), tensor.get("datatype"), field)
                if raw
                else _contents(tensor.get("contents"), field)
            ),
        }
        for i, tensor in enumerate(tensors)
    ]


def _contents(contents: Any, field: str) -> list:
    """The values of an InferTensorContents, of which all fields but one are empty."""
    if type(contents) is not dict:
        return []
    for name, values in contents.items():
        kind = name.lower().replace("_", "").removesuffix("contents")
        if type(values) is not list:
            raise Malformed("bad_value", field)
        if not values:
            continue
        if kind == "bytes":
            return [text(from_base64(value, field)) for value in values]
        if kind in ("int64", "uint64"):
            return [_integer(value) for value in values]
        if kind in ("fp32", "fp64"):
            return [_WORDS.get(x, x) if type(x) is str else x for x in values]
        return values
    return []


def _integer(value: Any) -> Any:
    try:
        return int(value) if type(value) is str and len(value) <= 20 else value
    except ValueError:
        return value


def _list(value: Any) -> list:
    return value if type(value) is list else []
