"""Dates that keep their distances within a subject, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from ..domain_keys import DomainKeys
from ..keyed_hashes import keyed_hashes
from .contract import REDACTED, RowMethod, from_bytes, is_text, to_bytes
from .iso_time import ISO_TIME

_UNITS_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


class DateShift(RowMethod):
    """Shifts all times of a subject by the same whole number of days.

    The shift is drawn from -``max_days`` to ``max_days`` without 0, by HMAC-SHA-256 of the
    subject's raw value under a key of the domain: one subject has one shift in all fields, tables
    and runs, so that the time between events stays, and the time of day. Seasons and the order of
    events of different subjects do not. It is the same in all key versions, for shifted times
    cannot be shifted anew without the raw ones.

    Whoever knows one true date of a subject knows all of them.

    Text that is no time, and text in a row without subject, becomes ``[REDACTED]``; numbers and
    timestamps of rows without subject become null. Integers become int64, other types stay.

    Args:
      subject: the field that names the row's subject.
      max_days: the longest shift, in days.
      unit: of fields that hold time since the epoch, as numbers or as text; None for ISO 8601
        text. Arrow's dates and timestamps know their unit.

    Reference: Hripcsak et al. (2016), Preserving temporal relations in clinical data while
    maintaining privacy, JAMIA 23(6); RFC 2104.
    """

    is_keyed: ClassVar[bool] = True
    method: Literal["date_shift"] = "date_shift"
    subject: str
    max_days: int = Field(default=365, ge=1, le=36_500)
    unit: Literal["s", "ms", "us"] | None = None

    @property
    def subject_field(self) -> str:
        return self.subject

    def suits_feature(self, kind: str) -> bool:
        return True

    def validate_type(self, kind: pa.DataType) -> None:
        if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
            return
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if not (is_text(kind) or is_number):
            raise ValueError(f"date_shift needs times as text, numbers or timestamps, not {kind}")
        if is_number and self.unit is None:
            raise ValueError(f"date_shift needs a unit (s, ms, us) for a field of {kind}")

    def operate_rows(
        self, values: pa.Array, subjects: pa.Array | None, keys: DomainKeys | None
    ) -> pa.Array:
        days = self._days(subjects, keys)
        if is_text(values.type):
            texts = values.cast(pa.large_binary()).to_pylist()
            shifted = [
                None if text is None else self._shift_text(text, shift)
                for text, shift in zip(texts, days.to_pylist(), strict=True)
            ]
            return from_bytes(shifted, values.type)
        return self._shift_numbers(values, days)

    def _days(self, subjects: pa.Array, keys: DomainKeys) -> pa.Array:
        """The shift of each row's subject, null for none."""
        if pa.types.is_null(subjects.type):
            return pa.nulls(len(subjects), pa.int64())
        if not pa.types.is_dictionary(subjects.type):
            subjects = subjects.dictionary_encode()
        draws = keyed_hashes(keys.lasting(self.method), to_bytes(subjects.dictionary), 32)
        places = [int.from_bytes(draw, "big") % (2 * self.max_days) for draw in draws]
        shifts = [place - self.max_days + (place >= self.max_days) for place in places]
        return pa.array(shifts, pa.int64()).take(subjects.indices)

    def _shift_numbers(self, values: pa.Array, days: pa.Array) -> pa.Array:
        kind = pa.int64() if pa.types.is_integer(values.type) else values.type
        if pa.types.is_date32(kind):
            values, per_day = values.cast(pa.int32()), 1
        elif pa.types.is_date64(kind):
            values, per_day = values.cast(pa.int64()), _UNITS_PER_DAY["ms"]
        elif pa.types.is_timestamp(kind):
            values, per_day = values.cast(pa.int64()), _UNITS_PER_DAY[kind.unit]
        else:
            values, per_day = values.cast(kind), _UNITS_PER_DAY[self.unit]
        numbers = values.fill_null(0).to_numpy()
        shifted = numbers + per_day * days.fill_null(0).to_numpy()
        is_gone = ~(_is_valid(values) & _is_valid(days))
        # Encoders may read what lies under a null.
        shifted[is_gone] = 0
        shifted = pa.array(shifted, mask=is_gone)
        return (shifted.cast(pa.int32()) if pa.types.is_date32(kind) else shifted).cast(kind)

    def _shift_text(self, value: bytes, days: int | None) -> bytes:
        if days is None:
            return REDACTED.encode()
        try:
            text = value.decode().strip()
            if self.unit is None:
                return _shift_iso(text, days).encode()
            number = int(text) if text.lstrip("+-").isdecimal() else float(text)
            return _finite(number + days * _UNITS_PER_DAY[self.unit]).encode()
        except (ValueError, OverflowError):
            return REDACTED.encode()


def _shift_iso(text: str, days: int) -> str:
    match = ISO_TIME.fullmatch(text)
    if not match:
        raise ValueError
    day = date.fromisoformat(match[1]) + timedelta(days)
    return day.isoformat() + text[len(match[1]) :]


def _finite(number: float) -> str:
    if not abs(number) < float("inf"):
        raise ValueError
    return format(number, "d" if isinstance(number, int) else ".17g")


def _is_valid(values: pa.Array) -> np.ndarray:
    return values.is_valid().to_numpy(zero_copy_only=False)
