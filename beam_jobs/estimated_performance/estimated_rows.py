"""The rows that estimates learn from, and those that they are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa

from ..evaluation_config import EvaluationConfig
from ..evaluation_rows import (
    COUNTS,
    read_labels,
    read_scores,
    single_values,
    slice_values,
)
from ..list_columns import first_values, values_of

EVENT_TIME = "log_event_time"


class SelectEstimated(beam.DoFn):
    """Keeps the scored rows with a label (``labelled``), or those without.

    Yields record batches of label (NaN where there is none), prediction, event time (NaN where
    there is none), the slice features as ``SelectRows`` has them, and the ``features`` as they
    are. Tagged COUNTS: a Counter of ``rows_read``, ``rows`` and ``dropped``.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        prediction: str,
        labelled: bool,
        left_out: frozenset[str] | None = None,
    ):
        """``left_out``: columns that are no features; None: no features are needed."""
        self._config, self._prediction = config, prediction
        self._labelled, self._left_out = labelled, left_out

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch | beam.pvalue.TaggedOutput]:
        config = self._config
        labels = read_labels(batch, config)
        scores = read_scores(batch, self._prediction, config)
        keep = np.isfinite(scores) & (np.isfinite(labels) == self._labelled)
        counts = Counter(rows_read=batch.num_rows, rows=int(keep.sum()), dropped=int((~keep).sum()))
        yield beam.pvalue.TaggedOutput(COUNTS, counts)
        if not keep.any():
            return
        times = _times(batch)
        columns = {
            config.label: single_values(labels[keep]),
            self._prediction: single_values(scores[keep]),
            EVENT_TIME: single_values(times[keep]),
        }
        for feature in sorted({feature for cross in config.all_slices for feature in cross}):
            values = slice_values(batch, feature, keep)
            if values is not None:
                columns[feature] = values
        for name in self._features(batch):
            columns.setdefault(name, batch.column(name).filter(pa.array(keep)))
        yield pa.RecordBatch.from_arrays(list(columns.values()), list(columns))

    def _features(self, batch: pa.RecordBatch) -> list[str]:
        if self._left_out is None:
            return []
        names = self._config.features or batch.schema.names
        return [n for n in names if n in batch.schema.names and n not in self._left_out]


def _times(batch: pa.RecordBatch) -> np.ndarray:
    index = batch.schema.get_field_index(EVENT_TIME)
    if index < 0 or not pa.types.is_integer(values_of(batch.column(index)).type):
        return np.full(batch.num_rows, np.nan)
    times = first_values(batch.column(index))
    return times.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
