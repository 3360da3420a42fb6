"""The SliceReport of an evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .evaluation_config import EvaluationConfig
from .evaluation_rows import DROPPED
from .event_spans import TIMES
from .metrics.cross_slices import ratios
from .metrics.plan import Plan
from .metrics.results import Measured, Results
from .metrics.threshold_words import in_words, slices_of
from .metrics.thresholds import Check, is_valid
from .reports import (
    Estimates,
    MetricChange,
    SliceDifference,
    SliceMetric,
    SliceReport,
    SlicesFound,
    ThresholdCheck,
)
from .slices import OVERALL, slice_name


@dataclass(frozen=True)
class Evaluated:
    """What an evaluation found; ``crossed``: between slices; ``found``: by searching slices;
    ``estimates``: of rows without a label."""

    config: EvaluationConfig
    plan: Plan
    results: Results
    crossed: Results
    checks: list[Check]
    found: SlicesFound | None = None
    estimates: Estimates | None = None


def primary_metric(config: EvaluationConfig, plan: Plan) -> tuple[str, bool]:
    """The metric to look at first, and whether larger is better."""
    return plan.primary(config.primary_metric if config.eval_config else config.primary_name)


def slice_report(found: Evaluated, counts: Mapping[str, int]) -> SliceReport:
    """Slices under the minimum size are only listed, those under the floor only counted."""
    config, plan, results = found.config, found.plan, found.results
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
        if i not in large
        and (n >= config.min_group_rows or any(name in TIMES for name, _ in results.keys[i]))
    }
    primary, larger_is_better = primary_metric(config, plan)
    return SliceReport(
        models=list(plan.names.values()),
        primary_metric=primary,
        larger_is_better=larger_is_better,
        rows=counts["rows"],
        model_decided=counts.get("model_decided", 0),
        dropped={reason: counts[reason] for reason in DROPPED},
        metrics=[metric for i in told for metric in _metrics(results, i, names[i])],
        changes=[change for i in told for change in _changes(results, i, names[i])],
        between_slices=list(_between_slices(results, found.crossed)),
        queries_without_relevance=counts.get("queries_without_relevance"),
        grouped_by=config.group_by,
        simultaneous=config.simultaneous,
        by_tfma=list(dict.fromkeys(m.class_name for spec in plan.rest for m in spec.metrics)),
        thresholds=[_check(check, plan, config.min_group_rows) for check in found.checks],
        valid=is_valid(found.checks) if found.checks else None,
        small_slices=dict(sorted(small.items())),
        unnamed_slices=len(names) - len(large) - len(small),
        found=found.found,
        estimates=found.estimates,
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


def _between_slices(results: Results, crossed: Results) -> Iterator[SliceDifference]:
    as_ratio = {m.planned.key: m for m in ratios(results, crossed)}
    for i, (baseline, other) in enumerate(crossed.keys):
        for m in crossed.metrics:
            difference, lower, upper = _numbers(m, i)
            of_rates = as_ratio.get(m.planned.key)
            ratio, ratio_lower, ratio_upper = (
                _numbers(of_rates, i) if of_rates else (None, None, None)
            )
            yield SliceDifference(
                model=m.planned.model,
                slice=slice_name(baseline),
                against=slice_name(other),
                metric=m.planned.name,
                difference=difference,
                lower=lower,
                upper=upper,
                ratio=ratio,
                ratio_lower=ratio_lower,
                ratio_upper=ratio_upper,
                n=int(crossed.rows[i]),
            )


def _check(check: Check, plan: Plan, min_group_rows: int) -> ThresholdCheck:
    value, lower, upper, at_least, at_most = (
        number if math.isfinite(number) else None
        for number in (check.value, *check.interval, *check.limits)
    )
    told = check.rows >= min_group_rows or check.slice == ()
    return ThresholdCheck(
        model=plan.names[check.key.model_name],
        is_change=check.key.is_diff,
        slice=slices_of(check),
        metric=check.key.name,
        value=value,
        lower=lower,
        upper=upper,
        at_least=at_least,
        at_most=at_most,
        n=check.rows if told else None,
        rows_needed=check.rows_needed,
        outcome=check.outcome,
        reason=in_words(check),
    )


def _numbers(m: Measured, i: int) -> tuple[float | None, float | None, float | None]:
    value = float(m.values[i]) if m.defined[i] else None
    if math.isnan(m.lower[i]) or math.isnan(m.upper[i]):
        return value, None, None
    return value, float(m.lower[i]), float(m.upper[i])
