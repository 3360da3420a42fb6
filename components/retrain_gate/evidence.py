"""What RetrainGate knows when it decides about a span."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...beam_jobs.reports import (
    CANDIDATE,
    DriftReport,
    IngestReport,
    MetricChange,
    PrivacyReport,
    Report,
    SchemaAnomaly,
    SliceMetric,
    SliceReport,
)
from ...beam_jobs.slices import OVERALL
from ..history import BASELINE, History, ModelInService, Ruling, SpanRecord
from .erasures import Erasure, read_erasures


@dataclass(frozen=True)
class Reports:
    """This span's reports; None where the pipeline has no such part."""

    ingest: IngestReport | None = None
    privacy: PrivacyReport | None = None
    drift: DriftReport | None = None
    slices: SliceReport | None = None

    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of each report's JSON: the same evidence has the same fingerprints."""
        return {name: fingerprint(report) for name, report in vars(self).items() if report}


@dataclass(frozen=True)
class Past:
    """What the history says at the end of the span's window.

    Attributes:
      now: end of the window.
      severities: drift severity of earlier spans, newest first.
      last_push: end of the window whose run pushed the model in service; None for the first
        model or without a history.
      in_service_since: ``last_push``, or for the first model when the history began.
      reference: the primary metric of the model in service when it was put in service.
      unlearned_rows: labelled rows of the spans since the model in service was trained, without
        this span's.
      labelled_rows: span -> labelled rows, oldest first, ``baseline`` included, this span not.
      has_model: a model in service is known.
      erasures: of people whom the model in service, or one that it was fine-tuned from, learned
        from, oldest first.
      retrainings: ends of the windows whose runs trained candidates, newest first.
      spans_since_push: 1 in the first span of the model in service; None: the first model.
      versions: folder names of the models whose answers are expected in the span.
      slice_rows: span -> slice -> labelled rows, of spans before this one; without small slices
        that are not named.
      decided_rows: span -> labelled rows whose outcome the model itself decided.
      ruling: what a person said about retraining in this span.
      window_ends: span -> when its window ended, of spans before this one.
      broken: spans whose data did not fit the schema.
      change_point: the newest of the stream of errors that a report before this one found.
    """

    now: datetime
    severities: tuple[str, ...] = ()
    last_push: datetime | None = None
    in_service_since: datetime | None = None
    reference: SliceMetric | None = None
    unlearned_rows: int = 0
    labelled_rows: tuple[tuple[str, int], ...] = ()
    has_model: bool = True
    erasures: tuple[Erasure, ...] = ()
    retrainings: tuple[datetime, ...] = ()
    spans_since_push: int | None = None
    versions: tuple[str, ...] = ()
    slice_rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    decided_rows: Mapping[str, int] = field(default_factory=dict)
    ruling: Ruling | None = None
    window_ends: Mapping[str, datetime] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    change_point: datetime | None = None


def fingerprint(report: Report) -> str:
    return hashlib.sha256(report.model_dump_json().encode()).hexdigest()


def overall_metric(report: SliceReport, metric: str, model: str) -> SliceMetric | None:
    return find_metric(report, metric, model, OVERALL)


def find_metric(report: SliceReport, metric: str, model: str, slice_: str) -> SliceMetric | None:
    for found in report.metrics:
        if (found.metric, found.model, found.slice) == (metric, model, slice_):
            return found
    return None


def overall_change(report: SliceReport, model: str) -> MetricChange | None:
    """How ``model`` differs from the one in service, in the primary metric on all rows."""
    wanted = OVERALL, report.primary_metric, model
    return next((c for c in report.changes if (c.slice, c.metric, c.model) == wanted), None)


def read_reports(history: History, record: SpanRecord) -> Reports:
    """The reports on a recorded span."""
    return Reports(
        ingest=history.report(record, "ingest", IngestReport),
        privacy=history.report(record, "privacy", PrivacyReport),
        drift=history.report(record, "drift", DriftReport),
        slices=history.report(record, "slices", SliceReport),
    )


def read_past(history: History, span: str, now: datetime) -> Past:
    """Gathers from the history what concerns ``span``, looking only at earlier spans."""
    earlier = history.spans(before=span)
    baseline = history.baseline()
    in_service = history.model_in_service(before=span)
    pushes = [record for record in earlier if record.pushes]
    drifts = {record.span: history.report(record, "drift", DriftReport) for record in earlier}
    measured = {record.span: history.report(record, "slices", SliceReport) for record in earlier}
    labelled = [(BASELINE, baseline.rows)] if baseline and baseline.rows else []
    labelled += [(span_, report.rows if report else 0) for span_, report in measured.items()]
    learned = set(in_service.trained_on) if in_service else set()
    return Past(
        now=now,
        severities=tuple(d.severity if d else "unknown" for d in reversed(drifts.values())),
        last_push=pushes[-1].window_end if pushes else None,
        in_service_since=_in_service_since(earlier, pushes),
        reference=_reference(history, in_service),
        unlearned_rows=sum(rows for name, rows in labelled if name not in learned),
        labelled_rows=tuple(labelled),
        has_model=in_service is not None,
        erasures=read_erasures(history, span),
        retrainings=tuple(r.window_end for r in reversed(earlier) if history.retrained(r)),
        spans_since_push=_spans_since(pushes, earlier),
        versions=_versions(history, span, pushes, earlier),
        slice_rows={name: rows_by_slice(report) for name, report in measured.items() if report},
        decided_rows={name: r.model_decided for name, r in measured.items() if r},
        ruling=history.ruling(span),
        window_ends={record.span: record.window_end for record in earlier},
        broken=frozenset(name for name, report in drifts.items() if report and errors_in(report)),
        change_point=max(filter(None, map(change_point, drifts.values())), default=None),
    )


def errors_in(report: DriftReport) -> list[SchemaAnomaly]:
    """What makes data broken: a missing feature, a changed type."""
    return [anomaly for anomaly in report.anomalies if anomaly.severity == "error"]


def change_point(report: DriftReport | None) -> datetime | None:
    """When the stream of errors changed last, as far as the report knows."""
    found = report.comparisons if report else ()
    times = [c.detail.since for c in found if c.verdict == "drift" and c.detail]
    return max(filter(None, times), default=None)


def rows_by_slice(report: SliceReport) -> dict[str, int]:
    """Labelled rows of each slice that the report names."""
    return report.small_slices | {metric.slice: metric.n for metric in report.metrics}


def _spans_since(pushes: list[SpanRecord], earlier: list[SpanRecord]) -> int | None:
    return len(earlier) - earlier.index(pushes[-1]) if pushes else None


def _versions(
    history: History, span: str, pushes: list[SpanRecord], earlier: list[SpanRecord]
) -> tuple[str, ...]:
    """While the model that the span before pushed is rolled out, the one before answers too."""
    rolling_out = 2 if _spans_since(pushes, earlier) == 1 else 1
    models = history.models(before=span)[-rolling_out:]
    return tuple(os.path.basename(model.model.rstrip("/")) for model in models)


def _in_service_since(earlier: list[SpanRecord], pushes: list[SpanRecord]) -> datetime | None:
    if pushes:
        return pushes[-1].window_end
    return earlier[0].window_start if earlier else None


def _reference(history: History, in_service: ModelInService | None) -> SliceMetric | None:
    if in_service is None or in_service.span == BASELINE:
        report = history.baseline_report("slices", SliceReport)
    else:
        record = history.record(in_service.span)
        report = history.report(record, record.push.candidate, SliceReport)
    return overall_metric(report, report.primary_metric, CANDIDATE) if report else None
