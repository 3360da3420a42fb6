"""The errors of a model's predictions in the order of time.

The error of a row is a proper score: in a binary classification the Brier score
``(label - prediction)**2``, in [0, 1], more than 1/4 exactly where the prediction is on the wrong
side of 1/2; in a regression ``abs(label - prediction)``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from ..evaluation_config import EvaluationConfig
from ..evaluation_rows import read_labels, read_scores
from .columns import column_of
from .row_sample import RowSample

MOST_ERRORS = 200_000
TIME, ERROR = "time", "error"


@dataclass
class ErrorStream:
    """Errors of all rows that have a time, a label and a prediction; of many a uniform sample.

    Args:
      config: names the columns and the task.
      time: column of int64 event times, microseconds.
    """

    config: EvaluationConfig
    time: str
    sample: RowSample = field(default_factory=lambda: RowSample(MOST_ERRORS))

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds a batch of flat columns, or of lists as tfx-bsl reads tf.Examples."""
        place = batch.schema.get_field_index(self.time)
        if place < 0:
            return
        times = column_of(batch.column(place))
        if times.kind != "INT":
            return
        config = self.config
        apart = read_labels(batch, config) - read_scores(batch, config.prediction, config)
        errors = apart**2 if config.task == "binary_classification" else np.abs(apart)
        rows = np.arange(batch.num_rows) if times.rows is None else times.rows
        errors = errors[rows]
        known = np.isfinite(errors)
        stamps = times.values.to_numpy(zero_copy_only=False)
        columns = {
            TIME: pa.array(stamps[known].astype(np.int64)),
            ERROR: pa.array(errors[known].astype(np.float32)),
        }
        self.sample.add(columns, int(known.sum()))

    def merge(self, other: ErrorStream) -> None:
        self.sample.merge(other.sample)

    def table(self) -> pa.Table:
        """Columns ``time`` and ``error``, by ascending time."""
        found = self.sample.table()
        if not found.num_columns:
            empty = {TIME: pa.array([], pa.int64()), ERROR: pa.array([], pa.float32())}
            return pa.table(empty)
        return found.take(pa.array(np.argsort(found[TIME].to_numpy(), kind="stable")))
