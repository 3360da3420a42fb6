"""Evaluates predictions per slice: TFMA's numbers with 95 % intervals, in one pass.

Run alone:
  python -m tfx_vigil.beam_jobs.evaluate_slices --data predictions.parquet --label y \
      --prediction p --slice-by a --slice-by a,b --output out/evaluation
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import apache_beam as beam

from .accounting import SumCounts, check_identity
from .engine import job_options
from .evaluation_config import METRICS, EvaluationConfig
from .evaluation_rows import COUNTS, SelectRows
from .metrics.collect import CollectStatistics, Columns
from .metrics.plan import Plan, plan_evaluation
from .metrics.results import Measured, Results, measure
from .metrics.slice_table import SliceStatistics
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
from .tfma_config import eval_config
from .tfma_files import write_results

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
        plan = make_plan(config, predictions)
        if self._models:
            batches |= "Score" >> ScoreModels(self._models, config.prediction_output)
        selected = batches | "Select" >> beam.ParDo(SelectRows(config, predictions)).with_outputs(
            COUNTS, main="rows"
        )
        statistics = selected.rows | "Collect" >> beam.CombineGlobally(
            CollectStatistics(plan.needs(), plan.slices, Columns(config.label, predictions))
        )
        counts = selected[COUNTS] | "SumCounts" >> beam.CombineGlobally(SumCounts())
        evaluation = Evaluation(
            config, plan, list(predictions), self._models, self._evaluation_uri, self._report_uri
        )
        return (
            batches.pipeline
            | "Once" >> beam.Create([evaluation])
            | "Write"
            >> beam.Map(
                write_evaluation,
                counts=beam.pvalue.AsSingleton(counts),
                known=beam.pvalue.AsSingleton(statistics),
            )
        )


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated and where the results go.

    Attributes:
      models: names in the report, in the order of the plan's.
      locations: model -> SavedModel directory; none where predictions were logged.
    """

    config: EvaluationConfig
    plan: Plan
    models: list[str]
    locations: Mapping[str, str]
    evaluation_uri: str
    report_uri: str


def make_plan(config: EvaluationConfig, predictions: Mapping[str, str]) -> Plan:
    """The evaluation of models, given each one's prediction column."""
    tfma_config = eval_config(config, predictions, IN_SERVICE)
    given = [spec.name for spec in tfma_config.model_specs]  # "" for a sole model
    names = dict(zip(given, predictions, strict=True))
    return plan_evaluation(tfma_config, names, config.task == "binary_classification")


def write_evaluation(
    evaluation: Evaluation, counts: Mapping[str, int], known: SliceStatistics
) -> None:
    """Writes TFMA's files and the report after checking that no row went missing.

    Raises:
      AccountError: rows read are not those evaluated and dropped, or the whole has other rows.
    """
    config, plan, models = evaluation.config, evaluation.plan, evaluation.models
    check_identity(counts, "rows_read", ["rows", *DROPPED])
    results = measure(plan, known)
    rows = dict(zip(results.keys, results.rows.tolist(), strict=True))
    check_identity({"rows": counts["rows"], OVERALL: rows.get((), 0)}, "rows", [OVERALL])
    specs = zip(plan.config.model_specs, models, strict=True)
    write_results(
        evaluation.evaluation_uri,
        plan.config,
        results,
        config.smallest_measured,
        config.min_group_rows,
        {spec.name: evaluation.locations.get(name, "") for spec, name in specs},
    )
    write_report(evaluation.report_uri, slice_report(results, counts, config, models))


def slice_report(
    results: Results, counts: Mapping[str, int], config: EvaluationConfig, models: list[str]
) -> SliceReport:
    """Slices under the minimum size are only listed, those under the floor only counted."""
    names = [slice_name(key) for key in results.keys]
    large = {
        i
        for i, n in enumerate(results.rows)
        if n >= config.smallest_measured or not results.keys[i]
    }
    told = sorted(large, key=lambda i: (names[i] != OVERALL, names[i]))
    small = {
        names[i]: int(n)
        for i, n in enumerate(results.rows)
        if i not in large and n >= config.min_group_rows
    }
    return SliceReport(
        models=models,
        primary_metric=config.primary_name,
        larger_is_better=config.larger_is_better,
        rows=counts["rows"],
        dropped={reason: counts[reason] for reason in DROPPED},
        metrics=[metric for i in told for metric in _metrics(results, i, names[i])],
        changes=[change for i in told for change in _changes(results, i, names[i])],
        small_slices=dict(sorted(small.items())),
        unnamed_slices=len(names) - len(large) - len(small),
    )


def _metrics(results: Results, i: int, name: str) -> Iterator[SliceMetric]:
    for m in results.metrics:
        value, lower, upper = _numbers(m, i)
        yield SliceMetric(
            model=m.planned.model,
            slice=name,
            metric=m.planned.name,
            value=value,
            lower=lower,
            upper=upper,
            n=int(results.rows[i]),
        )


def _changes(results: Results, i: int, name: str) -> Iterator[MetricChange]:
    for m in results.changes:
        if m.planned.metric.depends_on_model:
            difference, lower, upper = _numbers(m, i)
            yield MetricChange(
                model=m.planned.model,
                against=m.against.model,
                slice=name,
                metric=m.planned.name,
                difference=difference,
                lower=lower,
                upper=upper,
                n=int(results.rows[i]),
            )


def _numbers(m: Measured, i: int) -> tuple[float | None, float | None, float | None]:
    value = float(m.values[i]) if m.defined[i] else None
    if m.lower[i] != m.lower[i]:  # NaN
        return value, None, None
    return value, float(m.lower[i]), float(m.upper[i])


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
