"""Estimates of earlier spans, held against the labels that have come since."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...beam_jobs.event_spans import EVENT_SPAN, Windows
from ...beam_jobs.reports import LOGGED, Estimates, MaturedEstimate, SliceReport
from ...beam_jobs.slices import OVERALL
from ..history import History

SPANS = 8
"""So many spans back labels are looked for."""


def earlier_estimates(history: History, span: str) -> tuple[Windows, dict[str, Estimates]]:
    """The spans before ``span`` that have estimates: their windows, and what was estimated."""
    windows, estimates = {}, {}
    for record in history.spans(before=span)[-SPANS:]:
        report = history.report(record, "slices", SliceReport)
        if report and report.estimates and report.estimates.metrics:
            windows[record.span] = record.window_start, record.window_end
            estimates[record.span] = report.estimates
    return windows, estimates


def with_matured(report: SliceReport, estimates: Mapping[str, Estimates]) -> SliceReport:
    """``report`` with what has become of ``estimates``, in place of the slices by EVENT_SPAN."""
    return report.model_copy(
        update={
            "matured": list(_matured(report, estimates)),
            "metrics": [m for m in report.metrics if not _is_of_span(m.slice)],
            "small_slices": {s: n for s, n in report.small_slices.items() if not _is_of_span(s)},
        }
    )


def _matured(report: SliceReport, estimates: Mapping[str, Estimates]) -> Iterator[MaturedEstimate]:
    real = {(m.slice, m.metric): m for m in report.metrics if m.model == LOGGED}
    for span, found in estimates.items():
        for estimate in found.metrics:
            now = real.get((f"{EVENT_SPAN}={span}", estimate.metric))
            if estimate.slice != OVERALL or now is None or now.value is None:
                continue
            lower = now.value if now.lower is None else now.lower
            upper = now.value if now.upper is None else now.upper
            yield MaturedEstimate(
                span=span,
                metric=estimate.metric,
                value=estimate.value,
                lower=estimate.lower,
                upper=estimate.upper,
                real=now.value,
                real_lower=lower,
                real_upper=upper,
                n=now.n,
                estimated_rows=estimate.n,
                held=lower <= estimate.upper and upper >= estimate.lower,
            )


def _is_of_span(slice_: str) -> bool:
    return slice_.startswith(f"{EVENT_SPAN}=")
