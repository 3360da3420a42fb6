"""Red flags: features that stopped arriving, before the window or in its last quarter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from .earlier_windows import TOLERATED, UNLIKE, batch_size
from .reports import IngestReport, RedFlag
from .usual import CHANCE, Counted, surprise

STOPPED = 0.1
"""A feature has stopped where its share of rows is under this much of what is usual."""
_WHOLE, _EARLY, _LATE = slice(4), slice(3), slice(3, 4)


def stopped_features(report: IngestReport, windows: Sequence[IngestReport]) -> Iterator[RedFlag]:
    """One flag a feature. windows: earlier ones that the report can be compared with."""
    for name in sorted(set().union(report.feature_rows, *(e.feature_rows for e in windows))):
        usual, quarters = _stopped_before(report, name, windows), _WHOLE
        if usual is None:
            usual, quarters = _stopped_lately(report, name, windows), _LATE
        if usual is not None:
            where = " of the window's last quarter" if quarters == _LATE else ""
            rows = sum(report.rows_by_quarter[quarters])
            count = sum(report.feature_rows.get(name, [])[quarters])
            yield RedFlag(
                kind="feature_stopped",
                subject=name,
                found=f"{count:,} of the {rows:,} rows{where} have a value; usually {usual:.1%} "
                "have one.",
                recommendation="Ask who feeds the model why the feature no longer arrives: until "
                "it does, predictions are made without it.",
            )


def _stopped_before(
    report: IngestReport, name: str, windows: Sequence[IngestReport]
) -> float | None:
    return _stopped(
        _arrived(report, name, _WHOLE), [_arrived(window, name, _WHOLE) for window in windows]
    )


def _stopped_lately(
    report: IngestReport, name: str, windows: Sequence[IngestReport]
) -> float | None:
    """Compared with the rest of the window, and with the last quarter of earlier ones."""
    late = _arrived(report, name, _LATE)
    usual = _stopped(late, [_arrived(report, name, _EARLY)])
    past = [window for window in windows if sum(window.rows_by_quarter[_LATE])]
    if usual is None or not past:
        return usual
    return _stopped(late, [_arrived(window, name, _LATE) for window in past])


def _arrived(report: IngestReport, name: str, quarters: slice) -> Counted:
    size = batch_size(report)
    values = sum(report.feature_rows.get(name, [])[quarters])
    return Counted(values / size, sum(report.rows_by_quarter[quarters]) / size)


def _stopped(now: Counted, earlier: Sequence[Counted]) -> float | None:
    """The usual share of rows with the feature, if it has stopped.

    What counts is the time between the first and the last window in which it arrived, and it
    must have arrived in nearly all of them.
    """
    arrived = [n for n, window in enumerate(earlier) if window.count]
    if not arrived or not now.size:
        return None
    past = [window for window in earlier[arrived[0] : arrived[-1] + 1] if window.size]
    low = np.quantile([window.count / window.size for window in past], TOLERATED, method="lower")
    if now.count / now.size >= STOPPED * low:
        return None
    found = surprise(now, past, UNLIKE)
    return found.usual / now.size if found.low < CHANCE else None
