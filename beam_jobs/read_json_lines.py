"""Records of a plain log: one prediction an object, whose keys ``FieldNames`` explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .ingest_config import IngestConfig, Window
from .log_pieces import Piece, Request
from .log_values import (
    Malformed,
    features,
    get_number,
    get_row,
    get_text,
    get_time,
    kinds_of,
    prediction,
)


class ParseJsonLines:
    """One record to (request id, piece), or None when the window does not reach it."""

    def __init__(self, config: IngestConfig, window: Window):
        self._window = window
        self._declared = config.features or {}
        self._prediction = config.prediction
        self._fields = config.fields
        self._keys = frozenset(config.fields.model_dump().values())

    def __call__(
        self, record: Mapping[str, Any], file: str, offset: int, counts: Counter, kinds: set
    ) -> tuple[str, Piece] | None:
        """Raises Malformed, and then has left ``counts`` and ``kinds`` alone."""
        request_id = get_text(record, self._fields.request_id)
        time = get_time(record, self._fields.event_time)
        first_row = get_row(record, self._fields.row)
        instance = {name: value for name, value in record.items() if name not in self._keys}
        row, columns = features(instance, self._declared), self._columns(record)
        kinds |= kinds_of([row], self._declared)
        counts["rows"] += 1
        if self._window.reaches_request(time):
            return request_id, Request(time, file, offset, first_row, [row], columns)
        counts["rows_outside_window"] += 1
        return None

    def _columns(self, record: Mapping[str, Any]) -> dict[str, Any]:
        fields, columns = self._fields, {}
        if (logged := record.get(fields.prediction)) is not None:
            columns["prediction"] = prediction(logged, self._prediction)
        for name in ("model_version", "endpoint", "status"):
            if record.get(key := getattr(fields, name)) is not None:
                columns[f"log_{name}"] = get_text(record, key)
        for name in ("latency_ms", "sampling_weight"):
            if record.get(key := getattr(fields, name)) is not None:
                columns[f"log_{name}"] = get_number(record, key)
                if columns[f"log_{name}"] < 0:
                    raise Malformed("bad_value", key)
        return columns
