"""How well rows are ranked within their query: one row a query, in place of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx_bsl.arrow.table_util import MergeRecordBatches, RecordBatchTake

from .evaluation_config import EvaluationConfig
from .evaluation_rows import QUERY, score_lists, single_values
from .metrics.memberships import BUCKET
from .value_hashes import row_hashes

COUNTS = "counts"
_PARTS = 64
_TOP = 10


class RankQueries(beam.PTransform):
    """From record batches of ``evaluation_rows.SelectRows`` to such of queries.

    Of each model's scores a query has the values of ``RANKINGS``; of the other columns what all of
    its rows have in common. Queries without a relevant row (label above 0) cannot be ranked and
    are left out, as by TFMA. Tagged COUNTS: a Counter of ``rows_ranked``, ``queries`` and
    ``queries_without_relevance``.
    """

    def __init__(self, config: EvaluationConfig, predictions: Mapping[str, str]):
        super().__init__()
        self._rank = _Rank(config.label, list(predictions.values()))

    def expand(self, batches: beam.PCollection) -> beam.pvalue.DoOutputsTuple:
        return (
            batches
            | "Split" >> beam.FlatMap(_split)
            | "Together" >> beam.GroupByKey()
            | "Rank" >> beam.ParDo(self._rank).with_outputs(COUNTS, main="queries")
        )


def _split(batch: pa.RecordBatch) -> Iterator[tuple[int, pa.RecordBatch]]:
    part = _flat(batch, QUERY).view(np.uint64) % np.uint64(_PARTS)
    for number in np.unique(part).tolist():
        yield number, RecordBatchTake(batch, pa.array(np.flatnonzero(part == number)))


class _Rank(beam.DoFn):
    def __init__(self, label: str, predictions: Sequence[str]):
        self._label, self._predictions = label, list(predictions)

    def process(
        self, element: tuple[int, Sequence[pa.RecordBatch]]
    ) -> Iterator[pa.RecordBatch | beam.pvalue.TaggedOutput]:
        rows = MergeRecordBatches(list(element[1]))
        queries = _flat(rows, QUERY)
        gains = _flat(rows, self._label)
        order = np.argsort(queries, kind="stable")
        starts = np.flatnonzero(np.diff(queries[order], prepend=queries[order][0] - 1))
        relevant = np.maximum.reduceat(gains[order], starts) > 0
        counts = Counter(
            rows_ranked=rows.num_rows,
            queries=len(starts),
            queries_without_relevance=int((~relevant).sum()),
        )
        yield beam.pvalue.TaggedOutput(COUNTS, counts)
        if not relevant.any():
            return
        columns = {self._label: single_values(np.ones(int(relevant.sum())))}
        for name in self._predictions:
            values = rankings(queries, _flat(rows, name), gains)
            columns[name] = score_lists(values[relevant])
        firsts = pa.array(order[starts][relevant])
        for name in rows.schema.names:
            if name not in (QUERY, self._label, *self._predictions):
                shared = rows.column(name).take(firsts)
                if name != BUCKET:
                    hashes = row_hashes(rows.column(name))[order]
                    alike = np.minimum.reduceat(hashes, starts) == np.maximum.reduceat(
                        hashes, starts
                    )
                    shared = _where(shared, alike[relevant])
                columns[name] = shared
        yield pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _flat(batch: pa.RecordBatch, name: str) -> np.ndarray:
    return batch.column(name).flatten().to_numpy()


def _where(lists: pa.LargeListArray, kept: np.ndarray) -> pa.LargeListArray:
    """The lists, empty where not ``kept``."""
    lengths = np.where(kept, lists.value_lengths().to_numpy(zero_copy_only=False), 0)
    values = lists.filter(pa.array(kept)).flatten()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return pa.LargeListArray.from_arrays(pa.array(offsets), values)


def rankings(queries: np.ndarray, scores: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """The value of each of RANKINGS for each query in rising order: float64 [queries, rankings].

    Args:
      queries: which query each row belongs to, [n].
      scores: by which rows are ranked, the highest first.
      gains: how relevant rows are; not negative.
    """
    ranked = _Ranked.by(queries, scores, gains)
    return np.column_stack([value(ranked) for value in RANKINGS.values()])


@dataclass(frozen=True)
class _Ranked:
    """Rows in order of query and rank.

    Attributes:
      starts: where queries begin, [queries].
      place: of each row in its query, from 0.
      gains: of rows in order of their score; of equal scores the least relevant first.
      expected: likewise, of equal scores their mean.
      ideal: in order of the gains themselves.
    """

    starts: np.ndarray
    place: np.ndarray
    gains: np.ndarray
    expected: np.ndarray
    ideal: np.ndarray

    @staticmethod
    def by(queries: np.ndarray, scores: np.ndarray, gains: np.ndarray) -> _Ranked:
        order = np.lexsort((gains, -scores, queries))
        query, score, gain = queries[order], scores[order], gains[order]
        new = np.append(True, query[1:] != query[:-1])
        starts = np.flatnonzero(new)
        place = np.arange(len(query)) - np.repeat(starts, np.diff(np.append(starts, len(query))))
        tie = np.cumsum(new | np.append(True, score[1:] != score[:-1])) - 1
        mean = np.bincount(tie, gain) / np.bincount(tie)
        ideal = gains[np.lexsort((-gains, queries))]
        return _Ranked(starts, place, gain, mean[tie], ideal)


def _ndcg(ranked: _Ranked, most: float) -> np.ndarray:
    """Normalised discounted cumulative gain: Jarvelin & Kekalainen (2002), "Cumulated gain-based
    evaluation of IR techniques", ACM TOIS 20; of ties the expected one: McSherry & Najork (2008),
    "Computing information retrieval performance measures efficiently in the presence of tied
    scores", ECIR."""
    discount = np.where(ranked.place < most, 1 / np.log2(ranked.place + 2), 0)
    found = np.add.reduceat(ranked.expected * discount, ranked.starts)
    best = np.add.reduceat(ranked.ideal * discount, ranked.starts)
    return np.divide(found, best, out=np.zeros(len(best)), where=best > 0)


def _reciprocal_rank(ranked: _Ranked) -> np.ndarray:
    """Of the first relevant row; one that is tied with others comes after them."""
    each = np.where(ranked.gains > 0, 1 / (ranked.place + 1), 0)
    return np.maximum.reduceat(each, ranked.starts)


RANKINGS: Mapping[str, Callable[[_Ranked], np.ndarray]] = MappingProxyType(
    {
        "ndcg": lambda ranked: _ndcg(ranked, np.inf),
        f"ndcg_at_{_TOP}": lambda ranked: _ndcg(ranked, _TOP),
        "mrr": _reciprocal_rank,
    }
)
