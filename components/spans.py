"""Spans: the windows of time into which a model's life is cut."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field, field_validator, model_validator

from ..beam_jobs.parameters import Parameters

if TYPE_CHECKING:
    from .history import SpanRecord

_LENGTH = re.compile(r"P(?:(?P<months>\d+)M|(?P<weeks>\d+)W|(?P<days>\d+)D|T(?P<hours>\d+)H)")


@dataclass(frozen=True)
class Window:
    """[start, end), UTC."""

    start: datetime
    end: datetime

    @property
    def span(self) -> str:
        """The span's name: its first day, with the hour where it does not begin at midnight.

        >>> Window(datetime(2014, 7, 1), datetime(2015, 1, 1)).span
        '2014-07-01'
        """
        at_midnight = (self.start.hour, self.start.minute) == (0, 0)
        return self.start.strftime("%Y-%m-%d" if at_midnight else "%Y-%m-%dT%H")


def utc(text: str) -> datetime:
    """An ISO 8601 date or time, in UTC; it is UTC unless it says otherwise.

    Raises:
      ValueError: it is neither.
    """
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time.replace(tzinfo=time.tzinfo or timezone.utc).astimezone(timezone.utc)


def start_of(span: str) -> datetime:
    """When the window begins whose span is called so.

    >>> start_of("2014-07-01T06").hour
    6
    """
    return utc(span)


class SpanConfig(Parameters):
    """Windows of one length, one after the other.

    Attributes:
      start: when the first window begins; a date or an ISO 8601 time, UTC unless it says so.
      length: ISO 8601 duration of months, weeks, days or hours: P1M, P1W, P1D, PT6H.
    """

    start: AwareDatetime
    length: str = Field("P1D")

    @field_validator("start", mode="before")
    @classmethod
    def _as_utc(cls, value: object) -> datetime:
        return utc(value.isoformat() if hasattr(value, "isoformat") else str(value))

    @field_validator("length")
    @classmethod
    def _is_a_length(cls, value: str) -> str:
        found = _LENGTH.fullmatch(value)
        if not found or not any(int(n) for n in found.groups() if n):
            raise ValueError("expected an ISO 8601 duration such as P1M, P1W, P1D or PT6H")
        return value

    @model_validator(mode="after")
    def _every_month_has_the_day(self) -> SpanConfig:
        if self.length.endswith("M") and self.start.day > 28:
            raise ValueError("spans of months must start on day 28 or before")
        return self

    def window(self, k: int) -> Window:
        """The k-th window, from 0."""
        return Window(self._after(k), self._after(k + 1))

    def window_of(self, span: str) -> Window:
        """The window whose span is ``span``.

        Raises:
          ValueError: no window begins then.
        """
        k = 0
        while (window := self.window(k)).span < span:
            k += 1
        if window.span != span:
            raise ValueError(
                f"no span is called {span!r}: the nearest that begin are "
                f"{self.window(max(k - 1, 0)).span} and {window.span}"
            )
        return window

    def next_window(self, last_span: str | None) -> Window:
        """The window after ``last_span``; the first one without it."""
        k = 0
        while last_span is not None and self.window(k).span <= last_span:
            k += 1
        return self.window(k)

    def first_start_after(self, time: datetime) -> datetime:
        """When the first window begins that begins later than ``time``."""
        k = 0
        while (start := self._after(k)) <= time:
            k += 1
        return start

    def _after(self, k: int) -> datetime:
        parts = {
            unit: int(n) * k for unit, n in _LENGTH.fullmatch(self.length).groupdict("0").items()
        }
        months = parts.pop("months")
        years, month = divmod(self.start.month - 1 + months, 12)
        start = self.start.replace(year=self.start.year + years, month=month + 1)
        return start + timedelta(**parts)


def next_window(records: Sequence[SpanRecord], spans: SpanConfig, now: datetime) -> Window | None:
    """The oldest span that was interrupted, or else the one after the last.

    None while it has not ended yet.

    Args:
      records: every span that was begun, in order of time.
    """
    for record in records:
        if not record.complete:
            return Window(record.window_start, record.window_end)
    window = spans.next_window(records[-1].span if records else None)
    return window if window.end <= now else None
