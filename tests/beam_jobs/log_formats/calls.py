"""Calls of a model, as the writers of each format log them."""

from __future__ import annotations

from typing import NamedTuple


class Call(NamedTuple):
    """``time`` in microseconds since the epoch (UTC); one prediction a row."""

    request_id: str
    time: int
    model_version: str
    rows: list[dict[str, float | str]]
    predictions: list[float]
