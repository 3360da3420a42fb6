"""Which earlier spans a span is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from ...beam_jobs.parameters import Parameters

if TYPE_CHECKING:
    from ..history import SpanRecord


class References(Parameters):
    """How many earlier spans are the reference, each of them at most once.

    Attributes:
      last: the newest spans; the newest of all is compared with alone too.
      same_weekday: those that began on the same weekday at the same time, where spans are no
        longer than a day.
      same_month: those that began in the same month of an earlier year, the newest year and the
        nearest day first.
    """

    last: int = Field(8, ge=1)
    same_weekday: int = Field(4, ge=0)
    same_month: int = Field(1, ge=0)


def choose_references(
    earlier: Sequence[SpanRecord], start: datetime, references: References
) -> list[SpanRecord]:
    """The reference spans of the span that begins at ``start``, in order of time.

    Args:
      earlier: records of the complete spans before it, in order of time.
    """
    newest_first = list(reversed(earlier))
    weekly = [
        r for r in newest_first if _is_daily(r) and _of_week(r.window_start) == _of_week(start)
    ]
    yearly = sorted(
        (r for r in newest_first if _is_of_earlier_year(r.window_start, start)),
        key=lambda r: (-r.window_start.year, abs(r.window_start.day - start.day)),
    )
    chosen = {
        record.span
        for records, n in (
            (newest_first, references.last),
            (weekly, references.same_weekday),
            (yearly, references.same_month),
        )
        for record in records[:n]
    }
    return [record for record in earlier if record.span in chosen]


def _is_daily(record: SpanRecord) -> bool:
    return record.window_end - record.window_start <= timedelta(days=1)


def _of_week(time: datetime) -> tuple[int, int, int]:
    return time.weekday(), time.hour, time.minute


def _is_of_earlier_year(time: datetime, start: datetime) -> bool:
    return time.month == start.month and time.year < start.year
