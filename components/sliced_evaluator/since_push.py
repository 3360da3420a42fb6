"""The metrics of the model in service alone, in spans whose labels are of its predecessor too."""

from __future__ import annotations

from datetime import datetime, timezone

from ...beam_jobs.event_spans import SINCE_PUSH, Windows
from ...beam_jobs.reports import LOGGED, SliceReport
from ...beam_jobs.slices import OVERALL
from ..history import History

_BEFORE, _SINCE = "before", "since"


def windows_of_push(history: History, span: str) -> Windows:
    """Before and since the newest push before ``span``; none where there was no push."""
    pushed = [record.window_end for record in history.spans(before=span) if record.pushes]
    if not pushed:
        return {}
    first, last = (time.replace(tzinfo=timezone.utc) for time in (datetime.min, datetime.max))
    return {_BEFORE: (first, pushed[-1]), _SINCE: (pushed[-1], last)}


def with_since_push(report: SliceReport) -> SliceReport:
    """``report`` with ``since_push`` in place of the slices by SINCE_PUSH."""
    before = f"{SINCE_PUSH}={_BEFORE}"
    older = before in report.small_slices or any(m.slice == before for m in report.metrics)
    since = [
        metric.model_copy(update={"slice": OVERALL})
        for metric in report.metrics
        if metric.slice == f"{SINCE_PUSH}={_SINCE}" and metric.model == LOGGED
    ]
    return report.model_copy(
        update={
            "since_push": since if older else None,
            "metrics": [m for m in report.metrics if not _by_age(m.slice)],
            "small_slices": {s: n for s, n in report.small_slices.items() if not _by_age(s)},
        }
    )


def _by_age(slice_: str) -> bool:
    return slice_.startswith(f"{SINCE_PUSH}=")
