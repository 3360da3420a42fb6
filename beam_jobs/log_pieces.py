"""The pieces of a logged call as they are shuffled by request id, packed as JSON bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson


class Request(NamedTuple):
    """Rows ``first_row``, ``first_row + 1``, ... of a request, one dict of features each.

    ``columns``: what the record itself says of ``prediction`` and the ``log_`` columns.
    """

    time: int
    file: str
    offset: int
    first_row: int
    rows: list[dict[str, Any]]
    columns: dict[str, Any]


class Response(NamedTuple):
    """``predictions``: one a row of the request; ``model_version``: None if it is not said."""

    time: int
    file: str
    offset: int
    predictions: list[Any]
    model_version: str | None


class Label(NamedTuple):
    """``values``: ``label`` and the columns that arrived with it."""

    time: int
    file: str
    offset: int
    row: int
    values: dict[str, Any]


Piece = Request | Response | Label
_TYPES = (Request, Response, Label)


def pack(piece: Piece) -> bytes:
    return orjson.dumps((_TYPES.index(type(piece)), *piece))


def unpack(packed: bytes) -> Piece:
    tag, *fields = orjson.loads(packed)
    return _TYPES[tag](*fields)
