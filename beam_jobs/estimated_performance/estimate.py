"""Estimates how good predictions without a label are, from those with one, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import apache_beam as beam
import numpy as np
import pyarrow as pa

from ..accounting import SumCounts, check_identity
from ..evaluation_config import EvaluationConfig
from ..evaluation_rows import COUNTS
from ..ingest_config import RESERVED
from ..list_columns import first_values
from ..metrics.collect import CollectStatistics, Columns
from ..metrics.memberships import SliceSpec
from ..metrics.slice_table import Needs, SliceStatistics
from ..reports import Estimates
from ..slice_search.row_sample import Sample, SampleRows
from ..slices import OVERALL
from .classification import estimate_classification, scores_of
from .estimated_rows import SelectEstimated
from .regression import estimate_regression
from .sampled_rows import MOST_ROWS, sampled_rows

LABELLED, UNLABELLED = "labelled", "unlabelled"


class EstimatePerformance(beam.PTransform):
    """From two collections of record batches to one ``Estimates`` document: what is learned from
    the labelled rows of the first is applied to the rows without a label of the second.

    Args:
      model: what the report calls the model.
      prediction: the column of its predictions.
      slices: beside the whole.
      others: columns that are no features, such as other models' predictions.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        model: str,
        prediction: str,
        slices: Sequence[SliceSpec],
        others: Sequence[str] = (),
    ):
        super().__init__()
        if config.weight:
            raise ValueError("estimates: rows of different weight cannot be estimated")
        self._config, self._model, self._prediction = config, model, prediction
        self._slices = tuple(slices)
        self._left_out = frozenset({config.label, config.group_by, prediction, *others}) | RESERVED
        self._is_regression = config.task == "regression"
        self._kept = self._left_out if self._is_regression else None

    def expand(self, batches: tuple[beam.PCollection, beam.PCollection]) -> beam.PCollection:
        rows, given = {}, {}
        for name, part in zip((LABELLED, UNLABELLED), batches, strict=True):
            select = SelectEstimated(self._config, self._prediction, name == LABELLED, self._kept)
            selected = part | f"Select {name}" >> beam.ParDo(select).with_outputs(
                COUNTS, main="rows"
            )
            rows[name] = selected.rows
            given[f"{name}_counts"] = selected[COUNTS] | f"Count {name}" >> beam.CombineGlobally(
                SumCounts()
            )
        sampled = [LABELLED, UNLABELLED] if self._is_regression else [LABELLED]
        for name in sampled:
            given[f"{name}_sample"] = (
                rows[name]
                | f"Predictions of {name}" >> beam.Map(_with_predictions, self._prediction)
                | f"Sample {name}" >> beam.CombineGlobally(SampleRows(MOST_ROWS))
            )
        if not self._is_regression:
            needs = Needs(histograms=frozenset({scores_of(self._config, self._model)}))
            columns = Columns(self._config.label, {self._model: self._prediction})
            collect = CollectStatistics(needs, self._slices, columns)
            for name, made in rows.items():
                given[f"{name}_scores"] = made | f"Collect {name}" >> beam.CombineGlobally(collect)
        return (
            batches[0].pipeline
            | "Once" >> beam.Create([self._config])
            | "Estimate"
            >> beam.Map(
                estimate,
                self._model,
                self._prediction,
                self._slices,
                self._left_out,
                **{name: beam.pvalue.AsSingleton(made) for name, made in given.items()},
            )
        )


def _with_predictions(batch: pa.RecordBatch, prediction: str) -> tuple[pa.RecordBatch, np.ndarray]:
    return batch, first_values(batch.column(prediction)).to_numpy(zero_copy_only=False)


def estimate(
    config: EvaluationConfig,
    model: str,
    prediction: str,
    slices: Sequence[SliceSpec],
    left_out: frozenset[str],
    labelled_counts: Mapping[str, int],
    unlabelled_counts: Mapping[str, int],
    labelled_sample: Sample,
    unlabelled_sample: Sample | None = None,
    labelled_scores: SliceStatistics | None = None,
    unlabelled_scores: SliceStatistics | None = None,
) -> Estimates:
    """The estimates, once samples and scores are known to be of all rows that were read.

    Raises:
      AccountError: a row went missing on the way.
    """
    counted = labelled_counts.get("rows", 0), unlabelled_counts.get("rows", 0)
    for counts in (labelled_counts, unlabelled_counts):
        check_identity(counts, "rows_read", ["rows", "dropped"])
    seen = {"labelled": counted[0], "sampled_from": labelled_sample.seen}
    check_identity(seen, "labelled", ["sampled_from"])
    labelled = sampled_rows(labelled_sample, config, prediction)
    if labelled_scores and unlabelled_scores:
        for n, scores in zip(counted, (labelled_scores, unlabelled_scores), strict=True):
            whole = dict(zip(scores.keys, scores.rows.tolist(), strict=True)).get((), 0)
            check_identity({"rows": n, OVERALL: whole}, "rows", [OVERALL])
        return estimate_classification(config, model, labelled_scores, unlabelled_scores, labelled)
    seen = {"unlabelled": counted[1], "sampled_from": unlabelled_sample.seen}
    check_identity(seen, "unlabelled", ["sampled_from"])
    unlabelled = sampled_rows(unlabelled_sample, config, prediction)
    features = config.features or (labelled.batch.schema.names if labelled else [])
    features = [name for name in features if name not in left_out]
    return estimate_regression(config, model, slices, features, labelled, unlabelled, counted)
