"""What RetrainGate knows when it decides about a span."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from ...beam_jobs.reports import (
    CANDIDATE,
    DriftReport,
    IngestReport,
    PrivacyReport,
    Report,
    SliceMetric,
    SliceReport,
)
from ...beam_jobs.slices import OVERALL
from ..history import History, SpanRecord
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


def fingerprint(report: Report) -> str:
    return hashlib.sha256(report.model_dump_json().encode()).hexdigest()


def overall_metric(report: SliceReport, metric: str, model: str) -> SliceMetric | None:
    return find_metric(report, metric, model, OVERALL)


def find_metric(report: SliceReport, metric: str, model: str, slice_: str) -> SliceMetric | None:
    for found in report.metrics:
        if (found.metric, found.model, found.slice) == (metric, model, slice_):
            return found
    return None


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
    pushes = [record for record in earlier if record.push]
    labelled = [("baseline", baseline.rows)] if baseline and baseline.rows else []
    labelled += [(record.span, _labelled_rows(history, record)) for record in earlier]
    learned = set(in_service.trained_on) if in_service else set()
    return Past(
        now=now,
        severities=tuple(_severity(history, record) for record in reversed(earlier)),
        last_push=pushes[-1].window_end if pushes else None,
        in_service_since=_in_service_since(earlier, pushes),
        reference=_reference(history, pushes),
        unlearned_rows=sum(rows for name, rows in labelled if name not in learned),
        labelled_rows=tuple(labelled),
        has_model=in_service is not None,
        erasures=read_erasures(history, span),
    )


def _in_service_since(earlier: list[SpanRecord], pushes: list[SpanRecord]) -> datetime | None:
    if pushes:
        return pushes[-1].window_end
    return earlier[0].window_start if earlier else None


def _severity(history: History, record: SpanRecord) -> str:
    drift = history.report(record, "drift", DriftReport)
    return drift.severity if drift else "unknown"


def _labelled_rows(history: History, record: SpanRecord) -> int:
    slices = history.report(record, "slices", SliceReport)
    return slices.rows if slices else 0


def _reference(history: History, pushes: list[SpanRecord]) -> SliceMetric | None:
    if pushes:
        report = history.report(pushes[-1], pushes[-1].push.candidate, SliceReport)
    else:
        report = history.baseline_report("slices", SliceReport)
    return overall_metric(report, report.primary_metric, CANDIDATE) if report else None
