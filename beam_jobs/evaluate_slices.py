"""Evaluates predictions per slice: TFMA's point values, 95 % intervals beside them.

Run alone:
  python -m tfx_vigil.beam_jobs.evaluate_slices --data predictions.parquet --label y \
      --prediction p --slice-by a --slice-by a,b --output out/evaluation
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import apache_beam as beam
import numpy as np

from .accounting import AccountError, SumCounts, check_identity
from .engine import job_options
from .evaluation_config import METRICS, EvaluationConfig
from .evaluation_rows import COUNTS, SelectRows
from .metric_intervals import SliceEvidence
from .metric_moments import Layout, SliceKey, SliceMoments
from .reports import (
    CANDIDATE,
    IN_SERVICE,
    LOGGED,
    MetricChange,
    SliceMetric,
    SliceReport,
    read_report,
    write_report,
)
from .score_models import ScoreModels, find_saved_model, prediction_column
from .slices import OVERALL, slice_name
from .tables import ReadTable
from .tfma_evaluation import EvaluateWithTFMA

DROPPED = ("missing_label", "missing_prediction")


class EvaluateSlices(beam.PTransform):
    """Evaluates record batches and writes TFMA's result files and a SliceReport.

    Without ``models`` the logged predictions are evaluated, as model ``logged``. Otherwise every
    model scores the same rows; where there are ``candidate`` and ``in_service``, the report holds
    the change from the latter to the former with paired intervals.

    Args:
      models: name -> SavedModel directory (see ``score_models.ScoreModels``).
      evaluation_uri: where TFMA's files go.
      report_uri: where the SliceReport goes.
    """

    def __init__(
        self,
        config: EvaluationConfig,
        evaluation_uri: str,
        report_uri: str,
        models: Mapping[str, str] | None = None,
    ):
        super().__init__()
        self._config = config
        self._evaluation_uri = evaluation_uri
        self._report_uri = report_uri
        self._models = dict(models or {})
        self._predictions = {name: prediction_column(name) for name in self._models} or {
            LOGGED: config.prediction
        }

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        config, predictions = self._config, self._predictions
        layout = Layout(config.task, tuple(predictions))
        if self._models:
            batches |= "Score" >> ScoreModels(self._models, config.prediction_output)
        selected = batches | "Select" >> beam.ParDo(SelectRows(config, predictions)).with_outputs(
            COUNTS, main="rows"
        )
        moments = selected.rows | "Moments" >> SliceMoments(
            config, layout, list(predictions.values())
        )
        named = moments | "Named" >> beam.Filter(is_named, config, layout)
        values = selected.rows | "TFMA" >> EvaluateWithTFMA(
            config, predictions, self._models, IN_SERVICE, self._evaluation_uri, named
        )
        slices = (
            {"values": values, "moments": moments}
            | "Join" >> beam.CoGroupByKey()
            | "Describe" >> beam.Map(describe_slice, config, layout)
        )
        counts = selected[COUNTS] | "SumCounts" >> beam.CombineGlobally(SumCounts())
        return (
            batches.pipeline
            | "Once" >> beam.Create([self._report_uri])
            | "WriteReport"
            >> beam.Map(
                write_slice_report,
                counts=beam.pvalue.AsSingleton(counts),
                slices=beam.pvalue.AsList(slices),
                config=config,
                models=list(predictions),
            )
        )


def is_named(found: tuple[SliceKey, np.ndarray], config: EvaluationConfig, layout: Layout) -> bool:
    """Whether a slice has enough rows to be in what is written; the whole always has."""
    key, moments = found
    return not key or SliceEvidence(moments, layout, config).rows >= config.min_group_rows


def describe_slice(
    joined: tuple[SliceKey, Mapping[str, Iterable]], config: EvaluationConfig, layout: Layout
) -> tuple[str, int, list[SliceMetric], list[MetricChange]]:
    """One slice's name, rows, metrics and changes; neither of these under the minimum size."""
    key, found = joined
    values, moments = list(found["values"]), list(found["moments"])
    if len(values) != 1 or len(moments) != 1:
        raise AccountError(
            f"a slice by {[feature for feature, _ in key]} has {len(values)} results of TFMA and "
            f"{len(moments)} of moments"
        )
    name, evidence = slice_name(key), SliceEvidence(moments[0], layout, config)
    if key and evidence.rows < config.smallest_measured:
        return name, evidence.rows, [], []
    metrics = list(_metrics(name, values[0], evidence))
    return name, evidence.rows, metrics, list(_changes(metrics, evidence))


def _metrics(
    name: str, values: Mapping[tuple[str, str], float], evidence: SliceEvidence
) -> Iterator[SliceMetric]:
    for model in evidence.layout.models:
        for metric in evidence.config.metric_names:
            value = values[model, metric]
            lower = upper = None
            if not evidence.defined(model, metric) or not math.isfinite(value):
                value = None
            elif bounds := evidence.bounds(model, metric, value):
                lower, upper = bounds
            yield SliceMetric(
                model=model,
                slice=name,
                metric=metric,
                value=value,
                lower=lower,
                upper=upper,
                n=evidence.rows,
            )


def _changes(metrics: Sequence[SliceMetric], evidence: SliceEvidence) -> Iterator[MetricChange]:
    in_service = {m.metric: m.value for m in metrics if m.model == IN_SERVICE}
    for metric in metrics:
        if (
            metric.model != CANDIDATE
            or metric.metric not in in_service
            or not evidence.config.metric(metric.metric).depends_on_model
        ):
            continue
        before = in_service[metric.metric]
        difference = lower = upper = None
        if metric.value is not None and before is not None:
            difference = metric.value - before
            bounds = evidence.difference_bounds(
                CANDIDATE, metric.value, IN_SERVICE, before, metric.metric
            )
            lower, upper = bounds or (None, None)
        yield MetricChange(
            model=CANDIDATE,
            against=IN_SERVICE,
            slice=metric.slice,
            metric=metric.metric,
            difference=difference,
            lower=lower,
            upper=upper,
            n=metric.n,
        )


def write_slice_report(
    report_uri: str,
    counts: Mapping[str, int],
    slices: Iterable[tuple[str, int, list[SliceMetric], list[MetricChange]]],
    config: EvaluationConfig,
    models: list[str],
) -> None:
    """Writes the report after checking that no row went missing.

    Raises:
      AccountError: rows read are not those evaluated and dropped, or the whole has other rows.
    """
    check_identity(counts, "rows_read", ["rows", *DROPPED])
    slices = sorted(slices, key=lambda described: (described[0] != OVERALL, described[0]))
    evaluated = {
        "rows": counts["rows"],
        OVERALL: sum(n for name, n, *_ in slices if name == OVERALL),
    }
    check_identity(evaluated, "rows", [OVERALL])
    small = {name: n for name, n, metrics, _ in slices if not metrics}
    named = {name: n for name, n in small.items() if name == OVERALL or n >= config.min_group_rows}
    report = SliceReport(
        models=models,
        primary_metric=config.primary_name,
        larger_is_better=config.larger_is_better,
        rows=counts["rows"],
        dropped={reason: counts[reason] for reason in DROPPED},
        metrics=list(chain.from_iterable(metrics for _, _, metrics, _ in slices)),
        changes=list(chain.from_iterable(changes for *_, changes in slices)),
        small_slices=named,
        unnamed_slices=len(small) - len(named),
    )
    write_report(report_uri, report)


def run(
    config: EvaluationConfig,
    data: str,
    output_dir: str,
    models: Mapping[str, str] | None = None,
    beam_args: Sequence[str] = (),
) -> SliceReport:
    """Evaluates a table (see ``tables.ReadTable``); TFMA's files and the report go to one folder.

    Args:
      models: name -> SavedModel, Model artifact or directory of versions.

    Raises:
      FileNotFoundError: there is no such table or model.
      ValueError: labels or scores are not what the task needs, or no row has both.
    """
    models = {name: find_saved_model(uri) for name, uri in (models or {}).items()}
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        _ = (
            pipeline
            | "Read" >> ReadTable(data)
            | "Evaluate" >> EvaluateSlices(config, output_dir, output_dir, models)
        )
    report = read_report(output_dir, SliceReport)
    if not report.rows:
        raise ValueError(
            f"{data} has no row with a label in column {config.label!r} and a score of "
            f"{report.models}: {report.dropped}"
        )
    return report


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="Parquet, CSV or tf.Examples")
    parser.add_argument("--output", required=True, help="folder for report.json and TFMA's files")
    parser.add_argument("--label", required=True, help="column of the ground truth")
    parser.add_argument("--prediction", default="prediction", help="column of the score")
    parser.add_argument("--task", choices=list(METRICS), default="binary_classification")
    parser.add_argument("--positive-class", help="label value that counts as 1")
    parser.add_argument("--threshold", type=float, default=0.5, help="of a positive decision")
    parser.add_argument(
        "--slice-by", action="append", default=[], help="feature, or features to cross: a,b"
    )
    parser.add_argument("--metric", action="append", default=[], help="default: all of the task")
    parser.add_argument("--primary-metric")
    parser.add_argument("--min-slice-rows", type=int, default=50)
    parser.add_argument("--min-group-rows", type=int, default=10)
    parser.add_argument("--candidate", help="SavedModel to score the rows with")
    parser.add_argument("--in-service", help="SavedModel to compare the candidate with")
    parser.add_argument("--prediction-output", help="the models' output that holds the score")
    args, beam_args = parser.parse_known_args(argv)
    config = EvaluationConfig(
        label=args.label,
        prediction=args.prediction,
        task=args.task,
        positive_class=args.positive_class,
        threshold=args.threshold,
        slices=[features.split(",") for features in args.slice_by],
        metrics=args.metric,
        primary_metric=args.primary_metric,
        min_slice_rows=args.min_slice_rows,
        min_group_rows=args.min_group_rows,
        prediction_output=args.prediction_output,
    )
    given = {CANDIDATE: args.candidate, IN_SERVICE: args.in_service}
    models = {name: uri for name, uri in given.items() if uri}
    print(run(config, args.data, args.output, models, beam_args).model_dump_json(indent=1))


if __name__ == "__main__":
    from . import evaluate_slices  # workers cannot import what is pickled from __main__

    evaluate_slices.main()
