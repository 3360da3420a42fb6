"""Training data from labelled traffic: the rows of several spans, the newest held out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa

from .accounting import SumCounts, check_identity
from .examples import ReadExamples, WriteExamples
from .weigh_rows import WEIGHT, SampleInputs, WeighByDensity, weighed

EVENT_TIME = "log_event_time"
TRAIN, EVAL, OLD = "train", "eval", "old"
Row = tuple[bytes | None, int | None, int | None]
"""Request id, row and event time."""
READ, USED, LEFT_OUT = "read", "used", "left_out"


def select_training_rows(
    pipeline: beam.Pipeline,
    spans: Mapping[str, float],
    holdout: float,
    old_holdout: float,
    columns: list[str],
    output_uri: str,
    weigh_by: Sequence[str] = (),
) -> None:
    """Writes splits ``train``, ``eval`` and ``old`` below ``output_uri``.

    Three kinds of rows are left out: those whose label was corrected in a later span, where the
    row stands again; those whose outcome the model itself decided (``log_model_decided``): a
    model that learns from them learns its own mistakes; and rows of older spans that are later
    than the cutoff. The cutoff is the (1 - holdout) quantile of the newest span's event times.
    Its later rows are ``eval``. So a candidate is judged on a time that it has not seen. Of all
    others the share ``old_holdout`` is ``old``, by a hash of what the row is known by, so that no
    later model learns from it either; rows that are known by nothing, and the rest, are ``train``.

    Where a weight is not 1, every row has a column ``training_weight``, of ``eval`` 1. With
    ``weigh_by`` the rows of such a span vary about its weight, by how likely each is among the
    newest span's rows (see ``WeighByDensity``).

    Args:
      spans: file pattern of each span's tf.Examples -> weight of its rows; the newest comes last,
        and has ``log_event_time``.
      holdout: share in (0, 1).
      old_holdout: share in [0, 1).
      columns: those to keep: what a model may learn from, the label, columns to slice by.
      weigh_by: features by which rows are told apart; empty: each row has its span's weight.

    Raises:
      AccountError: rows read differ from rows written and left out.
    """
    newest, *older = reversed(spans.items())
    read = [
        pipeline | f"Read{i}" >> ReadExamples(pattern)
        for i, (pattern, _) in enumerate([newest, *older])
    ]
    corrections = (
        [rows | f"Corrections{i}" >> beam.FlatMap(_corrections) for i, rows in enumerate(read)]
        | "AllCorrections" >> beam.Flatten()
        | "NewestCorrections" >> beam.CombinePerKey(max)
    )
    sorted_out = [
        rows
        | f"SortOut{i}"
        >> beam.FlatMap(_sort_out, beam.pvalue.AsDict(corrections)).with_outputs(USED, LEFT_OUT)
        for i, rows in enumerate(read)
    ]
    new, *old = [rows[USED] for rows in sorted_out]
    cutoff = (
        new
        | "EventTimes" >> beam.Map(_event_times)
        | "GatherTimes" >> beam.combiners.ToList()
        | "Cutoff" >> beam.Map(_cutoff, holdout)
    )
    cutoff = beam.pvalue.AsSingleton(cutoff)
    halves = new | "Divide" >> beam.FlatMap(_divide, cutoff).with_outputs(TRAIN, EVAL)
    earlier = [
        rows | f"UpToCutoff{i}" >> beam.FlatMap(_up_to, cutoff).with_outputs(TRAIN, LEFT_OUT)
        for i, rows in enumerate(old)
    ]
    train = [halves[TRAIN], *(rows[TRAIN] for rows in earlier)]
    held_out = halves[EVAL]
    if any(weight != 1 for weight in spans.values()):
        columns = [*columns, WEIGHT]
        new = train[0] | "SampleNew" >> SampleInputs(weigh_by) if weigh_by else None
        weights = [weight for _, weight in (newest, *older)]
        train = [
            rows | f"Weigh{i}" >> _weighing(weight, new, weigh_by)
            for i, (rows, weight) in enumerate(zip(train, weights, strict=True))
        ]
        held_out |= "WeighHeldOut" >> beam.Map(weighed, 1.0)
    kept_out = (
        train
        | "AllTrain" >> beam.Flatten()
        | "KeepOut" >> beam.FlatMap(_keep_out, old_holdout).with_outputs(TRAIN, OLD)
    )
    splits = {TRAIN: kept_out[TRAIN], EVAL: held_out, OLD: kept_out[OLD]}
    left_out = [rows[LEFT_OUT] for rows in (*sorted_out, *earlier)]
    counts = [
        batches | f"Count-{name}{i}" >> beam.Map(_count, name)
        for name, sources in ((READ, read), (LEFT_OUT, left_out))
        for i, batches in enumerate(sources)
    ]
    for split, batches in splits.items():
        kept = batches | f"KeepColumns-{split}" >> beam.Map(_keep, columns)
        kept | f"Write-{split}" >> WriteExamples(f"{output_uri}/Split-{split}")
        counts.append(kept | f"Count-{split}" >> beam.Map(_count, split))
    (
        counts
        | "AllCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombineGlobally(SumCounts())
        | "CheckAccount" >> beam.Map(check_identity, READ, (TRAIN, EVAL, OLD, LEFT_OUT))
    )


def _rows(batch: pa.RecordBatch) -> list[Row]:
    """What each row is known by; the time tells rows apart whose ids a policy has redacted."""
    columns = (_column(batch, name) for name in ("log_request_id", "log_row", EVENT_TIME))
    return list(zip(*columns, strict=True))


def _column(batch: pa.RecordBatch, name: str) -> list:
    """A value a row, None where there is none."""
    place = batch.schema.get_field_index(name)
    if place < 0 or pa.types.is_null(batch.column(place).type):
        return [None] * batch.num_rows
    return [value[0] if value else None for value in batch.column(place).to_pylist()]


def _corrections(batch: pa.RecordBatch) -> Iterator[tuple[Row, int]]:
    """Rows whose label replaces one of an earlier span, and when it came."""
    corrects = _column(batch, "log_label_corrects")
    if any(corrects):
        for row, time, is_one in zip(
            _rows(batch), _column(batch, "log_label_time"), corrects, strict=True
        ):
            if is_one:
                yield row, time


def _sort_out(
    batch: pa.RecordBatch, corrections: Mapping[Row, int]
) -> Iterator[beam.pvalue.TaggedOutput]:
    out = np.array([x == 1 for x in _column(batch, "log_model_decided")], bool)
    if corrections:
        times = _column(batch, "log_label_time")
        out |= [
            row in corrections and time < corrections[row]
            for row, time in zip(_rows(batch), times, strict=True)
        ]
    return _divided(batch, {USED: ~out, LEFT_OUT: out})


def _divided(
    batch: pa.RecordBatch, masks: Mapping[str, np.ndarray]
) -> Iterator[beam.pvalue.TaggedOutput]:
    for tag, mask in masks.items():
        if mask.any():
            # pyarrow 10 cannot filter a record batch of large lists, but it can take from one.
            part = batch if mask.all() else batch.take(pa.array(np.flatnonzero(mask)))
            yield beam.pvalue.TaggedOutput(tag, part)


def _event_times(batch: pa.RecordBatch) -> np.ndarray:
    """Event times, microseconds since the epoch, shape [rows]."""
    return np.asarray(batch.column(batch.schema.get_field_index(EVENT_TIME)).flatten())


def _cutoff(times: list[np.ndarray], holdout: float) -> float:
    times = np.concatenate(times) if times else np.empty(0)
    return float(np.quantile(times, 1 - holdout)) if len(times) else np.inf


def _divide(batch: pa.RecordBatch, cutoff: float) -> Iterator[beam.pvalue.TaggedOutput]:
    held_out = _event_times(batch) > cutoff
    return _divided(batch, {TRAIN: ~held_out, EVAL: held_out})


def _up_to(batch: pa.RecordBatch, cutoff: float) -> Iterator[beam.pvalue.TaggedOutput]:
    """Rows without an event time, such as those of a baseline, are older."""
    times = np.array([-np.inf if t is None else t for t in _column(batch, EVENT_TIME)], float)
    return _divided(batch, {TRAIN: times <= cutoff, LEFT_OUT: times > cutoff})


def _keep_out(batch: pa.RecordBatch, share: float) -> Iterator[beam.pvalue.TaggedOutput]:
    out = [any(part is not None for part in row) and _place(row) < share for row in _rows(batch)]
    out = np.array(out, bool)
    return _divided(batch, {TRAIN: ~out, OLD: out})


def _place(row: Row) -> float:
    """The same number in [0, 1) for the same row, always."""
    digest = hashlib.blake2b(repr(row).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def _weighing(
    weight: float, new: beam.PCollection | None, weigh_by: Sequence[str]
) -> beam.PTransform:
    if new is None or weight == 1:
        return beam.Map(weighed, weight)
    return WeighByDensity(weight, new, weigh_by)


def _keep(batch: pa.RecordBatch, columns: list[str]) -> pa.RecordBatch:
    names = [name for name in batch.schema.names if name in columns]
    return pa.RecordBatch.from_arrays(
        [batch.column(batch.schema.get_field_index(name)) for name in names], names
    )


def _count(batch: pa.RecordBatch, name: str) -> dict[str, int]:
    return {name: batch.num_rows}
