"""What in an IngestReport somebody should look at: compared with earlier reports, or by itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .earlier_windows import UNLIKE, Past, batch_size, comparable, minutes_of, request_count
from .log_clock import odd_clocks
from .reports import IngestReport, RedFlag
from .stopped_features import stopped_features
from .usual import CHANCE, Counted, surprise

FACTOR = 2
"""Smaller changes of traffic, and rises of a share, are no red flag."""
SMALLEST_SHARE = 0.005
"""Smaller shares of errors and duplicates are none."""
_MOST_VERSIONS = 10
_GOOD = re.compile(r"ok|success|0|2\d\d(\D.*)?", re.IGNORECASE)


def red_flags(report: IngestReport, earlier: Sequence[IngestReport]) -> list[RedFlag]:
    """The red flags of a window.

    earlier: reports on windows of the same log, in any order; only those before this window are
      looked at. Without any, only clocks and a feature that stops within the window show.
    """
    before = [e for e in earlier if e.window_end <= report.window_start]
    past = comparable(report, before)
    return [
        *stopped_features(report, past.windows),
        *_new_versions(report, before),
        *_traffic(report, past),
        *_errors(report, past.windows),
        *_duplicates(report, past.windows),
        *odd_clocks(report, past.windows),
    ]


def is_error(status: str) -> bool:
    """Whether a status is a failure: of HTTP all but 2xx, of gRPC all but OK, ``no_response``."""
    return not _GOOD.fullmatch(status.strip())


def _new_versions(report: IngestReport, before: Sequence[IngestReport]) -> Iterator[RedFlag]:
    if not before:
        return
    known = set().union(*(e.model_versions for e in before))
    known.update(version.model_version for e in before for version in e.traffic)
    new = [x for x in report.traffic if x.requests and x.model_version not in known]
    for version in sorted(new, key=lambda x: -x.requests)[:_MOST_VERSIONS]:
        share = version.requests / sum(x.requests for x in report.traffic)
        failed = sum(n for status, n in version.statuses.items() if is_error(status))
        yield RedFlag(
            kind="new_model_version",
            subject=version.model_version,
            found=f"It got {version.requests:,} requests ({share:.1%}), of which {failed:,} "
            f"failed, and none in {_windows(before)}.",
            recommendation="If nobody rolled it out on purpose, find out who did. Predictions of "
            "before and after are two models'.",
        )


def _traffic(report: IngestReport, past: Past) -> Iterator[RedFlag]:
    if not past.busy:
        return
    now, *earlier = (Counted(request_count(e), minutes_of(e)) for e in (report, *past.busy))
    found = surprise(now, earlier, past.spread)
    fell = now.count * FACTOR < found.usual and found.low < CHANCE
    rose = now.count > found.usual * FACTOR and found.high < CHANCE
    if fell or rose:
        yield RedFlag(
            kind="traffic",
            subject=None,
            found=f"There were {now.count:,} requests; after {_windows(past.busy)}, "
            f"{found.usual:,.0f} were to be expected.",
            recommendation="See whether logs are missing, and run the window again once they are "
            "there; if none are, whether clients could reach the service."
            if fell
            else "See who sends the requests: a new client, one that tries again and again, or a "
            "log that comes twice under other ids.",
        )


def _errors(report: IngestReport, windows: Sequence[IngestReport]) -> Iterator[RedFlag]:
    now, *past = (_statuses(e) for e in (report, *windows))
    failed, earlier = _failed(now), [_failed(statuses) for statuses in past]
    usual = _usual_if_risen(failed, earlier)
    if usual is not None:
        before = sum(past, Counter())
        worst = max(
            filter(is_error, now),
            key=lambda status: now[status] / now.total() - before[status] / before.total(),
        )
        yield RedFlag(
            kind="error_rate",
            subject=worst,
            found=f"{failed.count:,} of {failed.size:,} requests failed "
            f"({failed.count / failed.size:.1%}, usually {usual:.1%}), {now[worst]:,} of them with "
            "this status.",
            recommendation="Look into the server's own log for this status. Requests that fail "
            "have no prediction, so nothing here tells what they would have shown.",
        )


def _statuses(report: IngestReport) -> Counter:
    return sum((Counter(version.statuses) for version in report.traffic), Counter())


def _failed(statuses: Mapping[str, int]) -> Counted:
    failed = sum(n for status, n in statuses.items() if is_error(status))
    return Counted(failed, sum(statuses.values()))


def _duplicates(report: IngestReport, windows: Sequence[IngestReport]) -> Iterator[RedFlag]:
    now, *past = (_repeated(e) for e in (report, *windows))
    usual = _usual_if_risen(now, past)
    if usual is not None:
        count = report.counts.rows_duplicate
        worst = max(report.files, key=lambda f: f.rows_duplicate, default=None)
        of_one = worst is not None and worst.rows_duplicate > count / 2
        where = f", {worst.rows_duplicate:,} of them in this file" if of_one else ""
        yield RedFlag(
            kind="duplicates",
            subject=worst.file if of_one else None,
            found=f"{count:,} rows ({now.count / now.size:.1%}, usually {usual:.1%}) repeat "
            f"another one{where}.",
            recommendation="See whether a file was delivered twice, or clients try again. Each "
            "row was written once.",
        )


def _repeated(report: IngestReport) -> Counted:
    counts, size = report.counts, batch_size(report)
    return Counted(counts.rows_duplicate / size, (counts.rows - counts.rows_outside_window) / size)


def _usual_if_risen(now: Counted, earlier: Sequence[Counted]) -> float | None:
    """The usual share, if now it is far over it."""
    past = [window for window in earlier if window.size]
    if not past or not now.count or now.count < SMALLEST_SHARE * now.size:
        return None
    found = surprise(now, past, UNLIKE)
    if now.count < FACTOR * found.usual or found.high >= CHANCE:
        return None
    return found.usual / now.size


def _windows(reports: Sequence[IngestReport]) -> str:
    return f"{len(reports)} earlier window{'s' * (len(reports) > 1)}"
