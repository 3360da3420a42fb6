"""The JSON object in the bytes of a logged HTTP body.

A body may be compressed (a server answers with gzip when its client accepts it, and the logger
sees what is sent), may hold NaN, and may be JSON with the bytes of binary tensors behind it: the
"binary tensor data extension" of the Open Inference Protocol.
"""

from __future__ import annotations

import json
import zlib
from binascii import a2b_base64
from typing import Any

import orjson

from ..log_containers.contract import MAX_RECORD_BYTES
from ..log_values import Malformed
from .contract import json_value
from .tensors import parameter, unpack

_PADDING = (0, 4, 8)
_GZIP = b"\x1f\x8b"
_BINARY = b"binary_data_size"
_FIRST_VALUE = json.JSONDecoder()


def from_base64(text: Any, field: str) -> bytes:
    """Malformed for what is missing or not base64 (RFC 4648, section 4) from end to end."""
    try:
        raw = a2b_base64(text)
        if 3 * len(text) - 4 * len(raw) in _PADDING:  # a2b_base64 skips what is not base64
            return raw
    except (ValueError, TypeError):
        pass
    raise Malformed("missing" if text is None else "bad_value", field)


def load(payload: bytes, field: str) -> dict[str, Any]:
    """Binary tensors come out with their values in ``data``, as if they had been sent as JSON.

    Raises:
      Malformed: ``bad_value`` of ``field``: the payload is no JSON object.
    """
    try:
        body = orjson.loads(payload)
        if payload[-1:] != b"}" and _BINARY in payload:  # a tensor of nothing but white space
            body = _unusual(payload)
    except orjson.JSONDecodeError:
        body = _unusual(payload)
    if type(body) is not dict:
        raise Malformed("bad_value", field)
    return body


def _unusual(payload: bytes) -> Any:
    try:
        plain = _gunzip(payload) if payload.startswith(_GZIP) else payload
        return _with_binary_tensors(plain) if _BINARY in plain else json_value(plain)
    except (Malformed, ValueError, RecursionError, zlib.error):
        return None


def _gunzip(payload: bytes) -> bytes:
    gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    plain = gzip.decompress(payload, MAX_RECORD_BYTES)
    if not gzip.eof:
        raise ValueError
    return plain


def _with_binary_tensors(payload: bytes) -> Any:
    _, end = _FIRST_VALUE.raw_decode(payload.decode("latin-1"))
    body = json_value(payload[:end])
    where = "inputs" if type(body) is dict and "inputs" in body else "outputs"
    tensors = body.get(where) if type(body) is dict else None
    for tensor in tensors if type(tensors) is list else ():
        size = parameter(tensor, "binary_data_size") if type(tensor) is dict else None
        if type(size) is int and size >= 0:
            tensor["data"] = unpack(payload[end : end + size], tensor.get("datatype"), where)
            end += size
    return body if end == len(payload) else None
