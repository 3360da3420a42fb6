"""The last step of an evaluation: the account, TFMA's files and the SliceReport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .accounting import check_identity
from .evaluation_config import RANKING, EvaluationConfig
from .evaluation_rows import DROPPED
from .given_eval_config import is_rubber_stamp, parse_eval_config
from .metrics.cross_slices import cross_slices
from .metrics.groups import measure_groups
from .metrics.plan import Plan
from .metrics.results import Results, measure
from .metrics.slice_table import SliceStatistics
from .metrics.tfma_values import Found, with_tfma_values
from .metrics.thresholds import check_thresholds
from .reports import Estimates, SlicesFound, write_report
from .slice_report import Evaluated, slice_report
from .slices import OVERALL
from .tfma_files import write_results
from .tfma_validation import write_validation


@dataclass(frozen=True)
class Evaluation:
    """What is evaluated and where the results go.

    Attributes:
      locations: model -> SavedModel directory; none where predictions were logged.
    """

    config: EvaluationConfig
    plan: Plan
    locations: Mapping[str, str]
    evaluation_uri: str
    report_uri: str


def write_evaluation(
    evaluation: Evaluation,
    counts: Mapping[str, int],
    known: SliceStatistics,
    metrics: Found | None = None,
    plots: Found | None = None,
    found: SlicesFound | None = None,
    estimates: Estimates | None = None,
) -> None:
    """Writes TFMA's files and the report after checking that no row went missing.

    Args:
      metrics, plots: of what TFMA itself computed.
      found: by the search for slices.
      estimates: of rows without a label.

    Raises:
      AccountError: rows read are not those evaluated and dropped, or the whole has other rows.
    """
    config, plan = evaluation.config, evaluation.plan
    measured = (measure_groups if config.group_by else measure)(
        plan, known, config.smallest_measured if config.simultaneous else None
    )
    results = with_tfma_values(measured, metrics or {}, plan.names)
    _check_account(config, counts, results)
    crossed = cross_slices(plan.config.cross_slicing_specs, results, config.smallest_measured)
    checks = check_thresholds(plan.config, results, crossed, config.smallest_measured)
    write_results(
        evaluation.evaluation_uri,
        plan.config,
        results,
        crossed,
        plots or {},
        config.smallest_measured,
        config.min_group_rows,
        {name: evaluation.locations.get(ours, "") for name, ours in plan.names.items()},
    )
    if given := config.eval_config:
        rubber_stamp = is_rubber_stamp(parse_eval_config(given), plan.config)
        write_validation(evaluation.evaluation_uri, checks, rubber_stamp)
    write_report(
        evaluation.report_uri,
        slice_report(Evaluated(config, plan, results, crossed, checks, found, estimates), counts),
    )


def _check_account(config: EvaluationConfig, counts: Mapping[str, int], results: Results) -> None:
    rows = dict(zip(results.keys, results.rows.tolist(), strict=True))
    evaluated = {**counts, OVERALL: rows.get((), 0)}
    check_identity(evaluated, "rows_read", ["rows", *DROPPED])
    if config.task == RANKING:
        check_identity(evaluated, "rows", ["rows_ranked"])
        check_identity(evaluated, "queries", [OVERALL, "queries_without_relevance"])
    else:
        check_identity(evaluated, "rows", [OVERALL])
