"""Signs that the clock which stamped a log was wrong, in seconds, and the red flags for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .earlier_windows import TOLERATED, request_count
from .ingest_config import LONGEST_CALL, Window
from .reports import IngestReport, RedFlag

LASTING = 20
"""Records before and after a jump that have to agree on it."""
_TOLERANCE = LONGEST_CALL.total_seconds()


def leads(times: np.ndarray, written: int, window: Window) -> np.ndarray:
    """By how much records are stamped later than their file was last written.

    Args:
      times: event times of records of one file, in microseconds.
      written: the file's modification time, in microseconds.
    Returns: one for each record that leads by over ``LONGEST_CALL`` and is stamped after the
      window's start.
    """
    found = (times[times >= window.start] - written) / 1e6
    return found[found > _TOLERANCE]


def jumps_back(times: np.ndarray, window: Window) -> np.ndarray:
    """How far time jumps back, and stays there, between successive records of one file.

    Args:
      times: event times of successive records of one file, in microseconds.
    Returns: one for each place in the window where the next ``LASTING`` records are all more than
      ``LONGEST_CALL`` earlier than the ``LASTING`` before: from the first of these to the last of
      those. Files in no order, and single records that come late, have none.
    """
    steps = np.flatnonzero(np.diff(times) < -_TOLERANCE * 1e6) + 1
    steps = steps[(steps >= LASTING) & (steps <= len(times) - LASTING)]
    inside = (times >= window.start) & (times < window.end)
    steps = steps[inside[steps - 1] | inside[steps]]
    for n in (1, 3, 7, 15):
        steps = steps[times[steps - 1 - n] - times[steps + n] > _TOLERANCE * 1e6]
    if not len(steps):
        return np.empty(0)
    runs = sliding_window_view(times, LASTING)
    found = (runs[steps - LASTING].min(axis=1) - runs[steps].max(axis=1)) / 1e6
    return found[found > _TOLERANCE]


def odd_clocks(report: IngestReport, windows: Sequence[IngestReport]) -> Iterator[RedFlag]:
    """windows: earlier ones. What they had too is usual, such as files put together from others;
    but records of the future never are."""
    ahead = sum(clock.ahead for clock in report.clocks)
    if ahead > 3 + request_count(report) / 1000:
        worst = max(report.clocks, key=lambda clock: clock.ahead)
        most = max(clock.largest_lead_seconds for clock in report.clocks)
        yield RedFlag(
            kind="clock_jump",
            subject=worst.file,
            found=f"{ahead:,} records, {worst.ahead:,} of them in this file, are stamped up to "
            f"{most / 60:,.0f} minutes later than their file was last written.",
            recommendation="Check clock and time zone of the server that writes the log: its "
            "requests may count for the wrong window.",
        )
    jumped = [clock for clock in report.clocks if clock.jumps_back]
    usual = sum(any(clock.jumps_back for clock in window.clocks) for window in windows)
    if jumped and usual <= TOLERATED * len(windows):
        worst = max(jumped, key=lambda clock: clock.largest_jump_back_seconds)
        jumps = sum(clock.jumps_back for clock in jumped)
        yield RedFlag(
            kind="clock_jump",
            subject=worst.file,
            found=f"Time jumps back in {len(jumped):,} of {len(report.files):,} files, in "
            f"{jumps:,} places, and most in this one: by "
            f"{worst.largest_jump_back_seconds / 60:,.0f} minutes.",
            recommendation="Unless the file was put together from others, a server's clock was "
            "set back or its time zone changed: rows before the jump are stamped too late.",
        )
