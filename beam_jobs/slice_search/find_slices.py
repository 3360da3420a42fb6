"""Finds the slices of labelled rows on which predictions are worse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..accounting import SumCounts, check_identity
from ..evaluation_config import EvaluationConfig
from ..evaluation_rows import has_score, read_labels, read_scores
from ..ingest_config import RESERVED
from ..list_columns import first_values
from ..reports import SliceFinding, SlicesFound
from .config import SliceSearchConfig
from .partitions import partition
from .row_losses import LOSSES, loss_name
from .row_sample import Sample, SampleRows
from .search import Found, search_slices

_COUNTS = "counts"
_MOST_SAME = 5


class FindSlices(beam.PTransform):
    """From record batches to one ``SlicesFound`` document.

    Args:
      model: what the report calls the model.
      prediction: the column of its predictions.
      others: columns that are no features, such as other models' predictions.
    """

    def __init__(
        self,
        evaluation: EvaluationConfig,
        search: SliceSearchConfig,
        model: str,
        prediction: str,
        others: tuple[str, ...] = (),
    ):
        super().__init__()
        self._evaluation, self._search = evaluation, search
        self._model, self._prediction = model, prediction
        self._left_out = {
            evaluation.label,
            evaluation.weight,
            evaluation.group_by,
            prediction,
            *others,
            *search.ignore,
        }

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        evaluation, search = self._evaluation, self._search
        rows = batches | "Losses" >> beam.ParDo(
            _Losses(evaluation, search, self._prediction, self._left_out)
        ).with_outputs(_COUNTS, main="rows")
        sample = rows.rows | "Sample" >> beam.CombineGlobally(SampleRows(search.most_rows))
        counts = rows[_COUNTS] | "SumCounts" >> beam.CombineGlobally(SumCounts())
        return sample | "Search" >> beam.Map(
            find_in_sample,
            evaluation=evaluation,
            search=search,
            model=self._model,
            counts=beam.pvalue.AsSingleton(counts),
        )


class _Losses(beam.DoFn):
    """Yields the features and losses of the rows with a label and a prediction."""

    def __init__(
        self,
        evaluation: EvaluationConfig,
        search: SliceSearchConfig,
        prediction: str,
        left_out: set[str],
    ):
        self._evaluation, self._search = evaluation, search
        self._prediction, self._left_out = prediction, left_out

    def process(
        self, batch: pa.RecordBatch
    ) -> Iterator[tuple[pa.RecordBatch, np.ndarray] | beam.pvalue.TaggedOutput]:
        config = self._evaluation
        labels = read_labels(batch, config)
        scores = read_scores(batch, self._prediction, config)
        kept = np.isfinite(labels) & has_score(scores)
        yield beam.pvalue.TaggedOutput(
            _COUNTS,
            Counter(rows_read=batch.num_rows, rows=int(kept.sum()), dropped=int((~kept).sum())),
        )
        if kept.any():
            loss = LOSSES[loss_name(config)](labels[kept], scores[kept], config.threshold)
            names = [
                name
                for name in batch.schema.names
                if self._is_feature(name) or name == config.group_by
            ]
            columns = [batch.column(name).filter(pa.array(kept)) for name in names]
            yield pa.RecordBatch.from_arrays(columns, names), loss

    def _is_feature(self, name: str) -> bool:
        if wanted := _wanted(self._evaluation, self._search):
            return name in wanted
        return name not in self._left_out and name not in RESERVED


def find_in_sample(
    sample: Sample,
    evaluation: EvaluationConfig,
    search: SliceSearchConfig,
    model: str,
    counts: Mapping[str, int],
) -> SlicesFound:
    """Searches the sampled rows, once they are known to be all that there are.

    Raises:
      AccountError: a row went missing on the way.
    """
    check_identity(counts, "rows_read", ["rows", "dropped"])
    check_identity({**counts, "sampled_from": sample.seen}, "rows", ["sampled_from"])
    min_rows = max(evaluation.min_slice_rows, evaluation.min_group_rows)
    told = {
        "model": model,
        "loss": loss_name(evaluation),
        "rows": counts.get("rows", 0),
        "rows_searched": sample.held,
        "alpha": search.alpha,
        "minimum_effect": search.minimum_effect,
    }
    if sample.held < 2 * min_rows:
        return SlicesFound(**told)
    columns, losses = sample.rows()
    partitions, not_searched = [], dict.fromkeys(_wanted(evaluation, search), "no such column")
    for name in columns.schema.names:
        if name == evaluation.group_by:
            if name in not_searched:
                not_searched[name] = "its rows are taken together"
            continue
        column = columns.column(name)
        reason = _unsuited(column)
        part = None
        if reason is None:
            part = partition(name, column, search.quantiles, search.most_values, min_rows)
            reason = "no value that enough rows share and enough do not" if part is None else None
        not_searched[name] = reason
        partitions += [part] if part else []
    groups = _groups(columns, evaluation.group_by)
    result = search_slices(losses, partitions, search, min_rows, groups)
    return SlicesFound(
        **told,
        candidates=result.tests,
        pairs=result.pairs,
        pairs_left_out=result.pairs_left_out,
        not_searched={name: reason for name, reason in not_searched.items() if reason},
        findings=[_finding(found, sample.held) for found in result.found],
    )


def _groups(columns: pa.RecordBatch, group_by: str | None) -> np.ndarray | None:
    """Whose each row is; a row without a value is nobody else's."""
    if group_by is None or group_by not in columns.schema.names:
        return None
    values = first_values(columns.column(group_by))
    if pa.types.is_null(values.type):
        return None
    encoded = values.dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    own = len(encoded.dictionary) + np.arange(len(codes))
    return np.where(np.isnan(codes), own, codes).astype(np.int64)


def _wanted(evaluation: EvaluationConfig, search: SliceSearchConfig) -> list[str]:
    return search.features or evaluation.features


def _unsuited(column: pa.Array) -> str | None:
    if pa.types.is_null(column.type) or column.null_count == len(column):
        return "no value in any row"
    if (pc.max(column.value_lengths()).as_py() or 0) > 1:
        return "several values in a row"
    return None


def _finding(found: Found, rows: int) -> SliceFinding:
    return SliceFinding(
        slice=", ".join(found.conditions),
        features=list(found.features),
        n=found.rows,
        share=found.rows / rows,
        value=found.mean,
        elsewhere=found.mean_elsewhere,
        difference=found.difference,
        lower=found.lower,
        upper=found.upper,
        p_value=found.p_value,
        excess=found.excess,
        same=[", ".join(conditions) for conditions in found.same[:_MOST_SAME]],
        same_left_out=max(len(found.same) - _MOST_SAME, 0),
    )
