"""What the history holds of each span, read once and made into plain rows for charts and tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...beam_jobs.reports import (
    CANDIDATE,
    FIRST,
    LOGGED,
    Comparison,
    DriftReport,
    Estimates,
    FileClock,
    FileCounts,
    IngestReport,
    MaturedEstimate,
    MetricChange,
    MetricEstimate,
    PredictionChange,
    PrivacyReport,
    ServingCheck,
    ServingReport,
    SliceMetric,
    SliceReport,
    VersionTraffic,
)
from ...beam_jobs.reports import IN_SERVICE as SERVES
from ...beam_jobs.slices import OVERALL
from ...components.drift_validator.changes import name_of
from ...components.history import FINE_TUNED, FROM_SCRATCH, PREVIOUS, History, SpanRecord
from ...components.retrain_gate.decision import RetrainDecision, TrainingPlan
from ...components.retrain_gate.evidence import find_metric, overall_change, overall_metric
from .text import comparison_words, finite

CANDIDATES = (FINE_TUNED, FROM_SCRATCH, PREVIOUS)
IN_SERVICE = "model in service"
FIRST_MODEL = "first model, never replaced"
ESTIMATED = "estimated before its labels came"
ALL_ROWS = "all rows"
MOST_FILES = MOST_VERSIONS = 20
AGAINST = {
    "training": "training data",
    "previous": "previous span",
    "reference": "reference spans",
}
UNEXPLAINED = "not explained by inputs"
MOST_INPUTS = 12
MOST_FINDINGS = 20

NOT_ENOUGH, UNDER_HALF, UNDER, DRIFT, OVER_TWICE = LEVELS = (
    "not enough data",
    "under half the threshold",
    "under the threshold",
    "drift",
    "drift, over twice the threshold",
)

Row = dict[str, Any]


@dataclass(frozen=True)
class OddFiles:
    """Files with dead letters or odd times, and how many more there are."""

    files: list[tuple[FileCounts, FileClock | None]]
    left_out: int


@dataclass(frozen=True)
class Span:
    """A span's record and reports; None where the span has no such report.

    ``ingest`` names no files: there may be very many. Those to look at are ``odd_files``.
    """

    record: SpanRecord
    ingest: IngestReport | None
    odd_files: OddFiles
    privacy: PrivacyReport | None
    drift: DriftReport | None
    slices: SliceReport | None
    decision: RetrainDecision | None
    plan: TrainingPlan | None
    push: RetrainDecision | None
    candidates: dict[str, SliceReport]
    old: dict[str, SliceReport]
    serving: ServingReport | None

    @property
    def name(self) -> str:
        return self.record.span

    @property
    def primary(self) -> SliceMetric | None:
        """The primary metric of the logged predictions on all labelled rows."""
        return self.slices and overall_metric(self.slices, self.slices.primary_metric, LOGGED)

    @property
    def matured(self) -> list[MaturedEstimate]:
        return self.slices.matured if self.slices else []

    @property
    def estimates(self) -> Estimates | None:
        return self.slices and self.slices.estimates

    @property
    def reasons(self) -> list[str]:
        return [r for decision in (self.decision, self.push) if decision for r in decision.reasons]


def read_spans(history: History, records: Iterable[SpanRecord]) -> list[Span]:
    return [_read_span(history, record) for record in records]


def _read_span(history: History, record: SpanRecord) -> Span:
    push = history.report(record, "push", RetrainDecision)
    evidence = push.evidence if push else ()
    candidates = {
        name: history.report(record, name, SliceReport) for name in CANDIDATES if name in evidence
    }
    old = {name: history.report(record, f"{name}_old", SliceReport) for name in candidates}
    ingest = history.report(record, "ingest", IngestReport)
    return Span(
        record=record,
        ingest=ingest and ingest.model_copy(update={"files": [], "clocks": []}),
        odd_files=odd_files(ingest) if ingest else OddFiles([], 0),
        privacy=history.report(record, "privacy", PrivacyReport),
        drift=history.report(record, "drift", DriftReport),
        slices=history.report(record, "slices", SliceReport),
        decision=history.report(record, "decision", RetrainDecision),
        plan=history.report(record, "plan", TrainingPlan),
        push=push,
        candidates={name: report for name, report in candidates.items() if report},
        old={name: report for name, report in old.items() if report},
        serving=history.report(record, "serving", ServingReport),
    )


def odd_files(report: IngestReport) -> OddFiles:
    """The first ``MOST_FILES``: odd times before dead letters, many before few."""
    clocks = {clock.file: clock for clock in report.clocks}
    odd = [
        file
        for file in report.files
        if file.records_dead_lettered or file.rows_rejected or file.file in clocks
    ]
    odd.sort(
        key=lambda f: (f.file not in clocks, -f.records_dead_lettered - f.rows_rejected, f.file)
    )
    shown = [(file, clocks.get(file.file)) for file in odd[:MOST_FILES]]
    return OddFiles(shown, len(odd) - len(shown))


def busiest(report: IngestReport) -> list[VersionTraffic]:
    """The model versions with the most requests, where there are several."""
    versions = report.traffic if len(report.traffic) > 1 else []
    return sorted(versions, key=lambda v: (-v.requests, v.model_version))[:MOST_VERSIONS]


def newest(spans: Sequence[Span], part: str) -> Span | None:
    """The newest span that has ``part``."""
    return next((span for span in reversed(spans) if getattr(span, part)), None)


def estimates_shown(report: SliceReport) -> list[MetricEstimate]:
    """All metrics of the whole; of slices the primary one, or the first that is estimated."""
    metrics = report.estimates.metrics
    names = [m.metric for m in metrics]
    main = report.primary_metric if report.primary_metric in names else next(iter(names), None)
    return [m for m in metrics if m.slice == OVERALL or m.metric == main]


def metric_names(spans: Sequence[Span]) -> tuple[list[str], list[str]]:
    """Metrics, the newest primary first, and slices, the whole first, of logged predictions."""
    measured = newest(spans, "primary")
    metrics = {measured.slices.primary_metric: None} if measured else {}
    slices = set()
    for span in spans:
        for found in _logged(span):
            metrics[found.metric] = None
            slices.add(found.slice)
    return list(metrics), [OVERALL, *sorted(slices - {OVERALL})]


def metric_rows(spans: Sequence[Span], first_model: Mapping[str, SliceMetric]) -> list[Row]:
    """One row a span, metric and slice; the latter two as places in ``metric_names``.

    Without a metric the row is there all the same and empty, so that a line breaks there.
    """
    metrics, slices = metric_names(spans)
    if not metrics:
        return []
    rows = [
        {"metric": 0, "slice": 0, **_point(span, first_model[span.name], FIRST_MODEL)}
        for span in spans
        if span.name in first_model
    ]
    for span in spans:
        found = {(m.metric, m.slice): m for m in _logged(span)}
        rows += [
            {"metric": i, "slice": j, **_point(span, found.get((metric, slice_)), IN_SERVICE)}
            for i, metric in enumerate(metrics)
            for j, slice_ in enumerate(slices)
        ]
        rows += [
            {
                "metric": metrics.index(m.metric),
                "slice": slices.index(m.slice),
                **_point(span, m, ESTIMATED),
            }
            for m in (span.estimates.metrics if span.estimates else ())
            if m.metric in metrics and m.slice in slices
        ]
    return rows


def push_rows(spans: Sequence[Span]) -> list[Row]:
    return [
        {"span": span.name, "candidate": span.record.push.candidate}
        for span in spans
        if span.record.push
    ]


def slice_rows(span: Span, limit: int) -> list[Row]:
    """The primary metric on every slice of one span: the whole first, then worst to best."""
    primary, sign = span.slices.primary_metric, 1 if span.slices.larger_is_better else -1
    found = [m for m in _logged(span) if m.metric == primary and finite(m.value) is not None]
    found.sort(key=lambda m: (m.slice != OVERALL, sign * m.value))
    return [_point(span, m, m.slice) for m in found[:limit]]


def _logged(span: Span) -> list[SliceMetric]:
    return [m for m in span.slices.metrics if m.model == LOGGED] if span.slices else []


def _point(span: Span, metric: SliceMetric | MetricEstimate | None, series: str) -> Row:
    bounds = {name: finite(getattr(metric, name, None)) for name in ("value", "lower", "upper")}
    return {"span": span.name, "series": series, "n": metric.n if metric else 0, **bounds}


@dataclass(frozen=True)
class Challenger:
    """A model on the held-out rows: the primary metric, how it differs from the model in service,
    there and on old rows, and how it serves."""

    name: str
    found: SliceMetric
    change: MetricChange | None
    on_old: MetricChange | None
    served: ServingCheck | None


def challengers(span: Span) -> list[Challenger]:
    """The model in service first, then the one that was never retrained."""
    rows = []
    for name, report in span.candidates.items():
        primary = report.primary_metric
        found = {model: overall_metric(report, primary, model) for model in report.models}
        old = span.old.get(name)
        if not rows and found.get(SERVES):
            rows.append(Challenger(SERVES, found[SERVES], None, None, _served(span, SERVES)))
            if found.get(FIRST):
                changes = [each and overall_change(each, FIRST) for each in (report, old)]
                rows.append(Challenger(FIRST_MODEL, found[FIRST], *changes, None))
        if found.get(CANDIDATE):
            changes = [each and overall_change(each, CANDIDATE) for each in (report, old)]
            rows.append(Challenger(name, found[CANDIDATE], *changes, _served(span, name)))
    return rows


def _served(span: Span, name: str) -> ServingCheck | None:
    return span.serving and span.serving.of(name)


def candidate_rows(report: SliceReport) -> list[tuple[MetricChange, SliceMetric, SliceMetric]]:
    """Changes, candidate's and compared model's metric: overall, then the primary on slices."""
    primary = report.primary_metric
    ours = [c for c in report.changes if c.model != FIRST]
    changes = [c for c in ours if c.slice == OVERALL or c.metric == primary]
    changes.sort(key=lambda c: (c.slice != OVERALL, c.metric != primary, c.slice))
    return [
        (
            c,
            find_metric(report, c.metric, c.model, c.slice),
            find_metric(report, c.metric, c.against, c.slice),
        )
        for c in changes
    ]


def change_verdict(report: SliceReport, change: MetricChange) -> str:
    """Whether the whole interval of the primary metric's change lies on one side of zero."""
    if change.metric != report.primary_metric:
        return ""
    if change.lower is None or change.upper is None:
        return "no interval"
    if change.lower <= 0 <= change.upper:
        return "no clear difference"
    return "better" if (change.lower > 0) == report.larger_is_better else "worse"


def ratio(comparison: Comparison) -> float | None:
    value, threshold = finite(comparison.value), finite(comparison.threshold)
    return value / threshold if value is not None and threshold else None


def level(comparison: Comparison) -> str:
    if comparison.verdict == "not_enough_data":
        return NOT_ENOUGH
    times = ratio(comparison) or 0
    if comparison.verdict == "drift":
        return OVER_TWICE if times >= 2 else DRIFT
    return UNDER if times >= 0.5 else UNDER_HALF


def _badness(comparison: Comparison) -> tuple[int, float]:
    return LEVELS.index(level(comparison)), ratio(comparison) or 0


@dataclass(frozen=True)
class DriftMap:
    """Features by spans on all rows; each cell is the worst comparison of its feature.

    Attributes:
      features: names, the worst first.
      against: the earlier populations that were compared with.
      cells: one row a cell, for the chart.
      details: ``against/row/column`` -> what lies behind the cell.
      start: row, column and ``against`` of the cell shown first.
    """

    features: list[str]
    against: list[str]
    cells: list[Row]
    details: dict[str, Row]
    start: Row | None
    left_out: int


def drift_map(spans: Sequence[Span], limit: int) -> DriftMap:
    worst: dict[tuple[str, int, str], Comparison] = {}
    for column, span in enumerate(spans):
        for c in span.drift.comparisons if span.drift else ():
            key = name_of(c), column, c.against
            if c.slice == OVERALL and (key not in worst or _badness(c) > _badness(worst[key])):
                worst[key] = c
    by_feature: dict[str, tuple[int, float]] = {}
    for (feature, _, _), c in worst.items():
        by_feature[feature] = max(by_feature.get(feature, (0, 0.0)), _badness(c))
    ranked = sorted(by_feature, key=lambda f: ([-x for x in by_feature[f]], f))
    features = ranked[:limit]
    against = [a for a in AGAINST if any(key[2] == a for key in worst)]
    row_of = {feature: row for row, feature in enumerate(features)}

    cells, details = [], {}
    for (feature, column, other), c in worst.items():
        if feature not in row_of:
            continue
        cell = {"row": row_of[feature], "column": column, "against": against.index(other)}
        times = ratio(c)
        cells.append(
            {
                **cell,
                "feature": feature,
                "span": spans[column].name,
                "level": level(c),
                "ratio": times and round(times, 3),
                "mark": f"{times:.1f}×" if c.verdict == "drift" and times else "",
            }
        )
        details["{against}/{row}/{column}".format(**cell)] = _detail(spans[column], c)
    start = max(cells, key=lambda c: (c["column"], -c["against"], -c["row"]), default=None)
    return DriftMap(features, against, cells, details, start, len(ranked) - len(features))


def _detail(span: Span, c: Comparison) -> Row:
    shares = c.distribution and [
        [label, round(b, 4), round(n, 4)]
        for label, b, n in zip(
            c.distribution.bins, c.distribution.baseline, c.distribution.current, strict=True
        )
    ]
    return {
        "title": f"{name_of(c)}, span {span.name}",
        "level": level(c),
        "against": AGAINST[c.against],
        "facts": comparison_words(c, AGAINST[c.against]),
        "shares": shares,
    }


def contribution_rows(change: PredictionChange) -> list[Row]:
    """Inputs by how much they add to the mean prediction, and what none of them explains."""
    parts = [(c.feature, c.change, c.error) for c in change.contributions[:MOST_INPUTS]]
    whole = change.current - change.baseline
    return [
        {
            "feature": feature,
            "change": added,
            "lower": added - 1.96 * error,
            "upper": added + 1.96 * error,
            "share": finite(added / whole) if whole else None,
            "unexplained": feature == UNEXPLAINED,
        }
        for feature, added, error in (
            *parts,
            (UNEXPLAINED, change.unexplained, change.unexplained_error),
        )
    ]


def error_rows(report: DriftReport) -> list[Row]:
    return [{**p.model_dump(), "time": p.time.isoformat()} for p in report.errors]


def change_points(report: DriftReport) -> list[Row]:
    """When a detector found that the errors changed."""
    return [
        {"time": c.detail.since.isoformat(), "detector": c.distance.replace("_", " ")}
        for c in report.comparisons
        if c.verdict == "drift" and c.detail and c.detail.since
    ]


def drifted(report: DriftReport) -> list[Comparison]:
    """Comparisons that drifted: on all rows, worst first, then on slices, worst first."""
    found = [c for c in report.comparisons if c.verdict == "drift"]
    return sorted(found, key=lambda c: (c.slice != OVERALL, -(ratio(c) or 0), c.feature, c.slice))


def share_rows(spans: Sequence[Span], counts_of: str, limit: int) -> tuple[list[str], list[Row]]:
    """Categories, the most frequent first and the rest as ``other``, and their shares a span."""
    counts = {s.name: getattr(s.ingest, counts_of) for s in spans if s.ingest}
    total = sum((Counter(c) for c in counts.values()), Counter())
    names = [name for name, _ in total.most_common(limit)]
    rows = []
    for span, found in counts.items():
        shown = {name: found.get(name, 0) for name in names}
        shown["other"] = shown.get("other", 0) + sum(found.values()) - sum(shown.values())
        whole = sum(found.values()) or 1
        rows += [
            {
                "span": span,
                "category": name,
                "place": place,
                "count": count,
                "share": count / whole,
            }
            for place, (name, count) in enumerate(shown.items())
            if count
        ]
    return names + ["other"] * (len(total) > limit and "other" not in names), rows
