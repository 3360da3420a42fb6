"""With which earlier windows of the same log a window can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

from .reports import IngestReport

ENOUGH, LATEST = 3, 12
"""How many windows at the same point of the week, or of the day, are enough to compare with them
alone, and how many windows are compared with at most."""
TOLERATED = 0.2
"""What this share of them had is usual."""
ALIKE, UNLIKE = 0.15, 0.3
"""How much logarithms of rates are taken to spread between windows at the same point of the week,
and between others."""
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


class Past(NamedTuple):
    """Earlier windows, from old to new: ``windows`` to compare shares with, and ``busy`` to compare
    traffic with, whose logarithm spreads by about ``spread``."""

    windows: list[IngestReport]
    busy: list[IngestReport]
    spread: float


def comparable(report: IngestReport, earlier: Sequence[IngestReport]) -> Past:
    """The latest of ``earlier`` that end before ``report`` and are as long.

    Traffic has its week and its day. It is compared with windows at the same point of the week,
    once there are ``ENOUGH``; until then, workdays with workdays and weekends with weekends.
    Windows shorter than a day are compared with those at the same time of day, once there are
    ``ENOUGH``; until then, their traffic is not compared.
    """
    length = duration(report)
    past = sorted(
        (
            e
            for e in earlier
            if e.window_end <= report.window_start and 0.8 < duration(e) / length < 1.25
        ),
        key=lambda e: e.window_start,
    )
    same_time = _apart(report, past, _DAY)
    windows = same_time if len(same_time) >= ENOUGH else past
    weeks = _apart(report, past, _WEEK)
    if length >= _WEEK:
        busy, spread = past, ALIKE
    elif len(weeks) >= ENOUGH:
        busy, spread = weeks, ALIKE
    elif length > _DAY:
        busy, spread = past, UNLIKE
    elif length == _DAY or windows is same_time:
        busy, spread = [e for e in windows if _weekend(e) == _weekend(report)], UNLIKE
    else:
        busy, spread = [], UNLIKE
    return Past(windows[-LATEST:], busy[-LATEST:], spread)


def _apart(
    report: IngestReport, past: Sequence[IngestReport], period: timedelta
) -> list[IngestReport]:
    """Those whole periods back."""
    return [e for e in past if not (report.window_start - e.window_start) % period]


def _weekend(report: IngestReport) -> bool:
    return report.window_start.weekday() >= 5


def duration(report: IngestReport) -> timedelta:
    return report.window_end - report.window_start


def minutes_of(report: IngestReport) -> float:
    return duration(report) / timedelta(minutes=1)


def request_count(report: IngestReport) -> int:
    return round(report.requests_per_minute * minutes_of(report))


def batch_size(report: IngestReport) -> float:
    """Rows a request: they share a fate, and count as one together."""
    return max(report.counts.rows_written / max(request_count(report), 1), 1.0)
