"""Times to their day, month or year."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Literal

import numpy as np
import pyarrow as pa

from .buckets import Buckets
from .contract import is_text
from .iso_time import ISO_TIME
from .texts import map_text

_STEPS = {"day": "D", "month": "M", "year": "Y"}
_LENGTHS = {"day": len("YYYY-MM-DD"), "month": len("YYYY-MM"), "year": len("YYYY")}


class GeneralizeTime(Buckets):
    """Replaces a time by its UTC day, month or year.

    With ``unit``, the field holds time since the epoch in that unit, as numbers or as text, and
    gets the first instant of the day, month or year. Without, it holds ISO 8601 text and gets
    ``YYYY-MM-DD``, ``YYYY-MM`` or ``YYYY``; text without an offset is taken as UTC, and text that
    is no time becomes ``[REDACTED]``. Arrow's dates and timestamps know their unit and keep their
    type. Floats that are no moment (infinite, or 2^53 and more) become NaN.

    Reference: ISO 8601-1:2019; 45 CFR 164.514(b)(2)(i)(C) (HIPAA Safe Harbor) asks for the year.
    """

    kind: Literal["time"] = "time"
    to: Literal["day", "month", "year"] = "day"
    unit: Literal["s", "ms", "us"] | None = None

    def validate_type(self, kind: pa.DataType) -> None:
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            return
        if self.unit is None and is_text(kind):
            return
        if self.unit is None:
            raise ValueError(f"generalize time needs a unit (s, ms, us) for a field of {kind}")
        super().validate_type(kind)

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        if pa.types.is_date(values.type):
            return self.operate(values.cast(pa.timestamp("ms")), keys).cast(values.type)
        if pa.types.is_timestamp(values.type):
            ticks = values.cast(pa.int64()).to_numpy()
            return pa.array(self._starts(ticks, values.type.unit)).cast(values.type)
        if self.unit is None:
            return map_text(values, self._operate_iso)
        return super().operate(values, keys)

    def lower_edges(self, numbers: np.ndarray) -> np.ndarray:
        if numbers.dtype == np.int64:
            return self._starts(numbers, self.unit)
        is_moment = np.abs(numbers) < 2**53
        ticks = np.floor(np.where(is_moment, numbers, 0)).astype(np.int64)
        return np.where(is_moment, self._starts(ticks, self.unit), np.nan)

    def _starts(self, ticks: np.ndarray, unit: str) -> np.ndarray:
        starts = ticks.astype(f"M8[{unit}]").astype(f"M8[{_STEPS[self.to]}]")
        return starts.astype(f"M8[{unit}]").astype(np.int64)

    def _operate_iso(self, text: str) -> str:
        match = ISO_TIME.fullmatch(text.strip())
        if not match:
            raise ValueError
        return _utc_day(*match.groups()).isoformat()[: _LENGTHS[self.to]]


def _utc_day(day: str, minute: str | None, offset: str | None) -> date:
    if not offset or offset == "Z":
        return date.fromisoformat(day)
    local = datetime.strptime(f"{day} {minute} {offset}", "%Y-%m-%d %H:%M %z")
    return local.astimezone(timezone.utc).date()
