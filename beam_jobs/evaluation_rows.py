"""The rows an evaluation rests on: labelled, with a finite score of every model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .evaluation_config import BINARY, MULTI_CLASS, RANKING, EvaluationConfig
from .list_columns import rows_of_values, values_of
from .metrics.memberships import BUCKET, BUCKETS
from .value_hashes import row_hashes

COUNTS = "counts"
DROPPED = ("missing_label", "missing_prediction", "missing_weight", "missing_query")
MODEL_DECIDED = "log_model_decided"
QUERY = "\x01query"
"""Column of a hash of the query that the row belongs to."""
# Keras clips probabilities to the same epsilon before it takes the logarithm.
EPSILON = 1e-7
_ROUNDING = 1e-6


class SelectRows(beam.DoFn):
    """Keeps of each batch the rows that can be evaluated and the columns that are needed.

    Yields record batches of the label (``list<double>``; 0 or 1 in a binary classification), one
    prediction a model (``list<double>``; probabilities clipped to [EPSILON, 1 - EPSILON]), the
    weight, the bucket of the row's group and the hash of its query if there are such, and the
    slice features: integers, UTF-8 (invalid bytes replaced) or finite doubles, no list without
    a value where the row lacks the feature. Tagged COUNTS: a Counter of ``rows_read``, ``rows`` and
    dropped rows by reason (``DROPPED``).

    Raises:
      ValueError: labels, scores or weights are not what the task needs.
    """

    def __init__(self, config: EvaluationConfig, predictions: Mapping[str, str]):
        """``predictions``: model -> its prediction column."""
        self._config = config
        self._predictions = dict(predictions)
        self._of_queries = _query_columns(config) - {config.label, *predictions.values()}

    def process(self, batch: pa.RecordBatch) -> Iterator[pa.RecordBatch | beam.pvalue.TaggedOutput]:
        config = self._config
        labels = read_labels(batch, config)
        scores = {c: read_scores(batch, c, config) for c in self._predictions.values()}
        weights = read_weights(batch, config.weight) if config.weight else np.ones(len(labels))
        labelled = np.isfinite(labels)
        scored = labelled & np.all([has_score(values) for values in scores.values()], axis=0)
        weighted = scored & np.isfinite(weights)
        queries = query_hashes(batch, config.query) if config.query else None
        keep = weighted if queries is None else weighted & (queries != 0)
        counts = Counter(
            rows_read=batch.num_rows,
            rows=int(keep.sum()),
            model_decided=int((keep & model_decided(batch)).sum()),
            missing_label=int((~labelled).sum()),
            missing_prediction=int((labelled & ~scored).sum()),
            missing_weight=int((scored & ~weighted).sum()),
            missing_query=int((weighted & ~keep).sum()),
        )
        yield beam.pvalue.TaggedOutput(COUNTS, counts)
        if not keep.any():
            return
        columns = {config.label: single_values(labels[keep])}
        columns |= {name: score_lists(values[keep]) for name, values in scores.items()}
        if config.weight:
            columns[config.weight] = single_values(weights[keep])
        if queries is not None:
            columns[QUERY] = single_values(queries[keep])
        if config.group_by:
            columns[BUCKET] = single_values(group_buckets(batch, config.group_by)[keep])
        for feature in sorted({feature for cross in config.all_slices for feature in cross}):
            values = slice_values(batch, feature, keep)
            if values is not None:
                columns[feature] = values
        for name in self._of_queries & set(batch.schema.names) - columns.keys():
            columns[name] = batch.column(name).filter(pa.array(keep))
        yield pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def model_decided(batch: pa.RecordBatch) -> np.ndarray:
    """Whether the model's own action decided the row's outcome, bool [n]."""
    decided = np.zeros(batch.num_rows, bool)
    rows, values = _parents_and_values(batch, MODEL_DECIDED)
    decided[rows] = _floats(values) == 1
    return decided


def _query_columns(config: EvaluationConfig) -> set[str]:
    if config.eval_config is None:
        return set()
    from .given_eval_config import parse_eval_config, query_columns

    return query_columns(parse_eval_config(config.eval_config))


def read_labels(batch: pa.RecordBatch, config: EvaluationConfig) -> np.ndarray:
    """Labels as float64 [n], NaN where missing."""
    rows, values = _parents_and_values(batch, config.label)
    _check_width(rows, 1, "label", config.label)
    labels = np.full(batch.num_rows, np.nan)
    if len(rows):
        read = _numeric_labels if config.positive_class is None else _is_positive
        if config.task == MULTI_CLASS:
            read = _class_ids
        labels[rows] = read(values, config)
    return labels


def _numeric_labels(values: pa.Array, config: EvaluationConfig) -> np.ndarray:
    if _is_text(values.type):
        raise ValueError(f"label column {config.label!r} holds text: set positive_class")
    labels = _floats(values)
    is_binary = config.task == BINARY
    if is_binary and not np.isin(labels[np.isfinite(labels)], (0, 1)).all():
        raise ValueError(
            f"label column {config.label!r} holds values other than 0 and 1: set positive_class"
        )
    if config.task == RANKING and (labels < 0).any():
        raise ValueError(f"label column {config.label!r} holds negative numbers: say how relevant")
    return labels


def _class_ids(values: pa.Array, config: EvaluationConfig) -> np.ndarray:
    if _is_text(values.type):
        known = pa.array([name.encode() for name in config.classes], pa.large_binary())
        found = pc.index_in(values.cast(pa.large_binary()), value_set=known)
        unknown = pc.sum(pc.and_(found.is_null(), values.is_valid())).as_py()
        labels = _floats(found)
    else:
        labels = _floats(values)
        given = labels[np.isfinite(labels)]
        unknown = int((~np.isin(given, np.arange(len(config.classes)))).sum())
    if unknown:
        raise ValueError(
            f"label column {config.label!r} holds {unknown} values that are none of the "
            f"{len(config.classes)} classes, nor their numbers from 0"
        )
    return labels


def _is_positive(values: pa.Array, config: EvaluationConfig) -> np.ndarray:
    if _is_text(values.type):
        positive = pa.scalar(config.positive_class.encode(), pa.large_binary())
        return _floats(pc.equal(values.cast(pa.large_binary()), positive))
    try:
        positive = float(config.positive_class)
    except ValueError:
        raise ValueError(
            f"label column {config.label!r} holds numbers, which positive_class "
            f"{config.positive_class!r} is not"
        ) from None
    labels = _floats(values)
    return np.where(np.isfinite(labels), labels == positive, np.nan)


def read_scores(batch: pa.RecordBatch, column: str, config: EvaluationConfig) -> np.ndarray:
    """Scores as float64 [n], NaN where missing or not finite; of several classes [n, classes].

    Of two scores in a row of a binary classification the second counts: the probabilities of
    both classes.
    """
    rows, values = _parents_and_values(batch, column)
    if _is_text(values.type):
        raise ValueError(f"prediction column {column!r} holds text, expected numbers")
    if config.task == MULTI_CLASS:
        scores = _vectors(batch.num_rows, rows, _floats(values), column, len(config.classes))
    else:
        _check_width(rows, 2 if config.task == BINARY else 1, "prediction", column)
        scores = np.full(batch.num_rows, np.nan)
        scores[rows] = _floats(values)  # the last of a row's values stays
    scores[~np.isfinite(scores)] = np.nan
    if config.task in ("regression", RANKING):
        return scores
    known = scores[~np.isnan(scores)]
    if known.size and (known.min() < -_ROUNDING or known.max() > 1 + _ROUNDING):
        raise ValueError(
            f"prediction column {column!r} holds scores from {known.min():.6g} to "
            f"{known.max():.6g}: a classification needs probabilities in [0, 1]"
        )
    return np.clip(scores, EPSILON, 1 - EPSILON)


def _vectors(n: int, rows: np.ndarray, values: np.ndarray, column: str, width: int) -> np.ndarray:
    """[n, width]; NaN for rows without values."""
    lengths = np.bincount(rows, minlength=n)
    if wrong := int(((lengths != 0) & (lengths != width)).sum()):
        raise ValueError(
            f"prediction column {column!r} has other than {width} probabilities, one for each "
            f"class, in {wrong} rows"
        )
    scores = np.full((n, width), np.nan)
    scores[lengths > 0] = values.reshape(-1, width)
    return scores


def has_score(scores: np.ndarray) -> np.ndarray:
    """Whether each row has all its scores, bool [n]."""
    return np.isfinite(scores) if scores.ndim == 1 else np.isfinite(scores).all(axis=1)


def read_weights(batch: pa.RecordBatch, column: str) -> np.ndarray:
    """Weights as float64 [n], NaN where missing or not finite."""
    rows, values = _parents_and_values(batch, column)
    _check_width(rows, 1, "weight", column)
    if _is_text(values.type):
        raise ValueError(f"weight column {column!r} holds text, expected numbers")
    weights = np.full(batch.num_rows, np.nan)
    weights[rows] = _floats(values)
    weights[~np.isfinite(weights)] = np.nan
    if (weights < 0).any():
        raise ValueError(f"weight column {column!r} holds negative numbers")
    return weights


def query_hashes(batch: pa.RecordBatch, column: str) -> np.ndarray:
    """A hash of each row's query, int64 [n]; 0 where it has none."""
    index = batch.schema.get_field_index(column)
    if index < 0:
        return np.zeros(batch.num_rows, np.int64)
    return row_hashes(batch.column(index)).view(np.int64)


def group_buckets(batch: pa.RecordBatch, column: str) -> np.ndarray:
    """The bucket that each row's group falls into, int64 [n]; rows without a group are spread."""
    index = batch.schema.get_field_index(column)
    spread = np.arange(batch.num_rows) % BUCKETS
    if index < 0:
        return spread
    hashes = row_hashes(batch.column(index))
    return np.where(hashes == 0, spread, (hashes % np.uint64(BUCKETS)).astype(np.int64))


def slice_values(batch: pa.RecordBatch, feature: str, keep: np.ndarray) -> pa.Array | None:
    """The feature's values in the rows ``keep`` as one list a row; None if there is none."""
    rows, values = _parents_and_values(batch, feature)
    valid = keep[rows] & np.asarray(values.is_valid())
    if pa.types.is_floating(values.type):
        valid &= np.isfinite(_floats(values))
    if not valid.any():
        return None
    encoded = values.filter(pa.array(valid)).dictionary_encode()
    lengths = np.bincount(rows[valid], minlength=batch.num_rows)[keep]
    return _lists(_clean(encoded.dictionary).take(encoded.indices), lengths)


def single_values(values: np.ndarray) -> pa.LargeListArray:
    """A list column with one value a row."""
    return _lists(pa.array(values), np.ones(len(values), np.int64))


def score_lists(scores: np.ndarray) -> pa.LargeListArray:
    """A list column with all scores of a row."""
    width = 1 if scores.ndim == 1 else scores.shape[1]
    return _lists(pa.array(scores.ravel()), np.full(len(scores), width))


def _lists(values: pa.Array, lengths: np.ndarray) -> pa.LargeListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), values)


def _parents_and_values(batch: pa.RecordBatch, column: str) -> tuple[np.ndarray, pa.Array]:
    """The values of a column and the row that each belongs to."""
    index = batch.schema.get_field_index(column)
    if index < 0 or pa.types.is_null(batch.schema.field(index).type):
        return np.empty(0, np.int64), pa.array([], pa.float64())
    found = batch.column(index)
    if pa.types.is_dictionary(found.type):
        found = found.cast(found.type.value_type)
    return rows_of_values(found), values_of(found)


def _floats(values: pa.Array) -> np.ndarray:
    """Numbers or booleans as float64, NaN for null."""
    return values.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _check_width(rows: np.ndarray, most: int, what: str, column: str) -> None:
    widest = int(np.bincount(rows).max()) if len(rows) else 0
    if widest > most:
        raise ValueError(
            f"{what} column {column!r} holds {widest} values in a row, expected at most {most}"
        )


def _is_text(kind: pa.DataType) -> bool:
    return (
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    )


def _clean(values: pa.Array) -> pa.Array:
    """Distinct slice values as TFMA can take them."""
    if _is_text(values.type):
        texts = values.cast(pa.large_binary()).to_pylist()
        return pa.array(
            [text.decode("utf-8", "replace").encode() for text in texts], pa.large_binary()
        )
    if pa.types.is_floating(values.type):  # 0.1, not the float32's 0.10000000149011612
        return pa.array([float(str(number)) for number in values.to_numpy()], pa.float64())
    return values.cast(pa.int64())
