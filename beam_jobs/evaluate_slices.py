"""Evaluates predictions per slice: TFMA's numbers with 95 % intervals, in one pass.

Run alone:
  python -m tfx_vigil.beam_jobs.evaluate_slices --data predictions.parquet --label y \
      --prediction p --slice-by a --slice-by a,b --output out/evaluation
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

import apache_beam as beam

from .accounting import SumCounts
from .engine import job_options
from .estimated_performance.estimate import EstimatePerformance
from .evaluate_by_tfma import PLOTS, SLICES, EvaluateByTFMA
from .evaluation_config import METRICS, MULTI_CLASS, RANKING, EvaluationConfig
from .evaluation_plan import logged_columns, make_plan
from .evaluation_rows import COUNTS, SelectRows
from .metrics.collect import CollectStatistics, Columns
from .metrics.groups import in_buckets
from .rank_queries import RankQueries
from .reports import CANDIDATE, IN_SERVICE, SliceReport, read_report
from .score_models import ScoreModels, find_saved_model, prediction_column
from .slice_search.find_slices import FindSlices
from .tables import ReadTable
from .write_evaluation import Evaluation, write_evaluation


class EvaluateSlices(beam.PTransform):
    """Evaluates record batches and writes TFMA's result files and a SliceReport.

    Without ``models`` the logged predictions are evaluated, as model ``logged``, or those of two
    models that an ``eval_config`` names. Otherwise every model scores the same rows; where there
    are ``candidate`` and ``in_service``, the report holds the change from the latter to the former
    with paired intervals.

    It takes one collection of record batches, or two: the metrics of the second's rows without a
    label are estimated for the first model, from the labels of the first.

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
        self._predictions = {name: prediction_column(name) for name in self._models}
        self._predictions = self._predictions or logged_columns(config)

    def expand(
        self, batches: beam.PCollection | tuple[beam.PCollection, beam.PCollection]
    ) -> beam.PCollection:
        config, predictions = self._config, self._predictions
        batches, unlabelled = batches if isinstance(batches, tuple) else (batches, None)
        plan = make_plan(config, predictions)
        if self._models:
            score = ScoreModels(self._models, config.prediction_output)
            batches |= "Score" >> score
            unlabelled = unlabelled and unlabelled | "Score others" >> score
        selected = batches | "Select" >> beam.ParDo(SelectRows(config, predictions)).with_outputs(
            COUNTS, main="rows"
        )
        rows, tallies = selected.rows, [selected[COUNTS]]
        if config.task == RANKING:
            ranked = rows | "Rank" >> RankQueries(config, predictions)
            rows, tallies = ranked.queries, [*tallies, ranked[COUNTS]]
        slices = in_buckets(plan.slices) if config.group_by else plan.slices
        statistics = rows | "Collect" >> beam.CombineGlobally(
            CollectStatistics(
                plan.needs(), slices, Columns(config.label, predictions, config.weight)
            )
        )
        of_tfma = {SLICES: None, PLOTS: None}
        if plan.rest:
            of_tfma = selected.rows | "By TFMA" >> EvaluateByTFMA(
                plan.rest_config(), {tfma: predictions[name] for tfma, name in plan.names.items()}
            )
        singles = {"known": statistics}
        model = plan.first_model
        extra = [column for column in (config.weight, config.group_by) if column]
        no_features = config.prediction, *predictions.values(), *extra
        if config.search:
            singles["found"] = batches | "Search" >> FindSlices(
                config, config.search, model, predictions[model], no_features
            )
        if unlabelled and config.task not in (MULTI_CLASS, RANKING):
            singles["estimates"] = (batches, unlabelled) | "Estimate" >> EstimatePerformance(
                config, model, predictions[model], plan.slices, no_features
            )
        counts = tallies | beam.Flatten() | "SumCounts" >> beam.CombineGlobally(SumCounts())
        evaluation = Evaluation(config, plan, self._models, self._evaluation_uri, self._report_uri)
        return (
            batches.pipeline
            | "Once" >> beam.Create([evaluation])
            | "Write"
            >> beam.Map(
                write_evaluation,
                counts=beam.pvalue.AsSingleton(counts),
                **{name: beam.pvalue.AsSingleton(made) for name, made in singles.items()},
                **{name: beam.pvalue.AsDict(values) for name, values in of_tfma.items() if values},
            )
        )


def run(
    config: EvaluationConfig,
    data: str,
    output_dir: str,
    models: Mapping[str, str] | None = None,
    beam_args: Sequence[str] = (),
    estimate: bool = False,
) -> SliceReport:
    """Evaluates a table (see ``tables.ReadTable``); TFMA's files and the report go to one folder.

    Args:
      models: name -> SavedModel, Model artifact or directory of versions.
      estimate: the metrics of the rows without a label too.

    Raises:
      FileNotFoundError: there is no such table or model.
      ValueError: labels or scores are not what the task needs, or no row has both.
    """
    models = {name: find_saved_model(uri) for name, uri in (models or {}).items()}
    with beam.Pipeline(options=job_options(beam_args)) as pipeline:
        rows = pipeline | "Read" >> ReadTable(data)
        _ = ((rows, rows) if estimate else rows) | "Evaluate" >> EvaluateSlices(
            config, output_dir, output_dir, models
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
    parser.add_argument("--query", help="of a ranking: column that tells rows ranked together")
    parser.add_argument("--class", action="append", default=[], dest="classes")
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
        query=args.query,
        classes=args.classes,
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
