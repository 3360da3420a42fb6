"""Records of ground truth: JSON objects whose keys ``GroundTruthConfig`` explains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from .ingest_config import GroundTruthConfig, IngestConfig, Window
from .log_pieces import Label
from .log_values import Malformed, features, get, get_row, get_text, get_time, kinds_of, scalar


class ParseGroundTruth:
    """One record to (request id, Label), or None when the window does not reach it."""

    def __init__(self, truth: GroundTruthConfig, config: IngestConfig, window: Window):
        self._truth = truth
        self._declared = config.features or {}
        self._window = window

    def __call__(
        self, record: Mapping[str, Any], file: str, offset: int, counts: Counter, kinds: set
    ) -> tuple[str, Label] | None:
        """Raises Malformed, and then has left ``counts`` and ``kinds`` alone."""
        truth = self._truth
        request_id = get_text(record, truth.request_id)
        row, time = get_row(record, truth.row), get_time(record, truth.time)
        values = features({name: record.get(name) for name in truth.columns}, self._declared)
        try:
            values["label"] = scalar(get(record, truth.label), None)
        except ValueError:
            raise Malformed("bad_value", truth.label) from None
        kinds |= kinds_of([values], self._declared)
        counts["labels_read"] += 1
        if self._window.reaches_label(time):
            return request_id, Label(time, file, offset, row, values)
        counts["labels_outside_window"] += 1
        return None
