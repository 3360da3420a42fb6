"""Training data from labelled traffic: the rows of several spans, the newest held out."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import numpy as np
import pyarrow as pa

from .accounting import SumCounts, check_identity
from .examples import ReadExamples, WriteExamples

EVENT_TIME = "log_event_time"
TRAIN, EVAL = "train", "eval"


def select_training_rows(
    pipeline: beam.Pipeline,
    older: list[str],
    newest: str,
    holdout: float,
    columns: list[str],
    output_uri: str,
) -> None:
    """Writes splits ``train`` and ``eval`` below ``output_uri``.

    The rows of ``newest`` later than the (1 - holdout) quantile of its event times are ``eval``;
    all others, and the rows of ``older``, are ``train``. So a candidate is judged on a time that
    it has not seen.

    Args:
      older: file patterns of tf.Examples.
      newest: file pattern of the newest span's tf.Examples, with ``log_event_time``.
      holdout: share in (0, 1).
      columns: those to keep: what a model may learn from, the label, columns to slice by.

    Raises:
      AccountError: rows read and rows written differ.
    """
    new = pipeline | "ReadNewest" >> ReadExamples(newest)
    cutoff = (
        new
        | "EventTimes" >> beam.Map(_event_times)
        | "GatherTimes" >> beam.combiners.ToList()
        | "Cutoff" >> beam.Map(_cutoff, holdout)
    )
    halves = new | "Divide" >> beam.FlatMap(_divide, beam.pvalue.AsSingleton(cutoff)).with_outputs(
        TRAIN, EVAL
    )
    old = [pipeline | f"ReadOlder{i}" >> ReadExamples(pattern) for i, pattern in enumerate(older)]
    splits = {
        TRAIN: (halves[TRAIN], *old) | "AllTrain" >> beam.Flatten(),
        EVAL: halves[EVAL],
    }
    counts = [
        batches | f"CountRead{i}" >> beam.Map(_count, "read")
        for i, batches in enumerate([new, *old])
    ]
    for split, batches in splits.items():
        kept = batches | f"KeepColumns-{split}" >> beam.Map(_keep, columns)
        kept | f"Write-{split}" >> WriteExamples(f"{output_uri}/Split-{split}")
        counts.append(kept | f"Count-{split}" >> beam.Map(_count, split))
    (
        counts
        | "AllCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombineGlobally(SumCounts())
        | "CheckAccount" >> beam.Map(check_identity, "read", (TRAIN, EVAL))
    )


def _event_times(batch: pa.RecordBatch) -> np.ndarray:
    """Event times, microseconds since the epoch, shape [rows]."""
    return np.asarray(batch.column(batch.schema.get_field_index(EVENT_TIME)).flatten())


def _cutoff(times: list[np.ndarray], holdout: float) -> float:
    times = np.concatenate(times) if times else np.empty(0)
    return float(np.quantile(times, 1 - holdout)) if len(times) else 0.0


def _divide(batch: pa.RecordBatch, cutoff: float) -> Iterator[beam.pvalue.TaggedOutput]:
    held_out = _event_times(batch) > cutoff
    for split, mask in ((TRAIN, ~held_out), (EVAL, held_out)):
        if mask.any():
            # pyarrow 10 cannot filter a record batch of large lists, but it can take from one.
            yield beam.pvalue.TaggedOutput(split, batch.take(pa.array(np.flatnonzero(mask))))


def _keep(batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    names = [name for name in batch.schema.names if name in columns]
    return pa.RecordBatch.from_arrays(
        [batch.column(batch.schema.get_field_index(name)) for name in names], names
    )


def _count(batch: pa.RecordBatch, name: str) -> dict[str, int]:
    return {name: batch.num_rows}
