"""Generalization: a coarser value that many share.

Text that cannot be read as the declared kind becomes ``[REDACTED]``.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from collections.abc import Callable
from datetime import date, datetime, timezone
from ipaddress import IPv6Address, ip_address
from typing import Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, FiniteFloat, model_validator

from .contract import REDACTED, ValueMethod, from_bytes, is_text, to_bytes

_UNITS_PER_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_ISO_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::\d\d(?:[.,]\d+)?)? ?(Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)


class _Buckets(ValueMethod):
    """Replaces a number by the lower edge of its bucket; numbers keep their type, text its form."""

    @abstractmethod
    def lower_edges(self, numbers: np.ndarray) -> np.ndarray:
        """The lower edge of the bucket of each int64 or float64; NaN for NaN."""

    def validate_type(self, kind: pa.DataType) -> None:
        if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise ValueError(f"generalize needs numbers, or text with numbers, not {kind}")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        if is_text(values.type):
            return _map_text(values, self._operate_text)
        wide = np.int64 if pa.types.is_integer(values.type) else np.float64
        numbers = values.to_numpy(zero_copy_only=False).astype(wide)
        with np.errstate(invalid="ignore"):
            return pa.array(self.lower_edges(numbers)).cast(values.type)

    def _operate_text(self, text: str) -> str:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError
        return format(float(self.lower_edges(np.array([number]))[0]), ".17g")


class GeneralizeNumber(_Buckets):
    """Replaces a number by the lower edge of its bucket.

    Give ``width`` for buckets [k width, (k+1) width), or ascending ``edges``: a value becomes
    the largest edge that is not above it, and below the first edge the first edge (bottom
    coding; the last edge top-codes). Integers need whole widths or edges.
    """

    method: Literal["generalize"] = "generalize"
    kind: Literal["number"] = "number"
    width: FiniteFloat | None = Field(default=None, gt=0)
    edges: tuple[FiniteFloat, ...] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_way(self) -> GeneralizeNumber:
        if (self.width is None) == (self.edges is None):
            raise ValueError("give either width or edges")
        if self.edges and any(a >= b for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError("edges must ascend")
        return self

    def validate_type(self, kind: pa.DataType) -> None:
        super().validate_type(kind)
        steps = self.edges or (self.width,)
        if pa.types.is_integer(kind) and not all(float(step).is_integer() for step in steps):
            raise ValueError(f"width or edges must be whole for a field of {kind}")

    def lower_edges(self, numbers: np.ndarray) -> np.ndarray:
        if self.edges:
            edges = np.array(self.edges).astype(numbers.dtype)
            lower = edges[np.maximum(np.searchsorted(edges, numbers, side="right") - 1, 0)]
            return np.where(np.isnan(numbers), numbers, lower)
        return numbers - numbers % numbers.dtype.type(self.width)


class GeneralizeTime(_Buckets):
    """Replaces a time by its UTC day.

    With ``unit``, the field holds time since the epoch in that unit, as numbers or as text, and
    gets the day's first instant. Without, it holds ISO 8601 text and gets ``YYYY-MM-DD``; text
    without an offset is taken as UTC. Arrow timestamps know their unit and keep their type.
    """

    method: Literal["generalize"] = "generalize"
    kind: Literal["time"] = "time"
    unit: Literal["s", "ms", "us"] | None = None

    def validate_type(self, kind: pa.DataType) -> None:
        if pa.types.is_timestamp(kind) or (self.unit is None and is_text(kind)):
            return
        if self.unit is None:
            raise ValueError(f"generalize time needs a unit (s, ms, us) for a field of {kind}")
        super().validate_type(kind)

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        if pa.types.is_timestamp(values.type):
            ticks = values.cast(pa.int64()).to_numpy()
            day = _UNITS_PER_DAY[values.type.unit]
            return pa.array(ticks - ticks % day, pa.int64()).cast(values.type)
        if self.unit is None:
            return _map_text(values, _utc_day)
        return super().operate(values, keys)

    def lower_edges(self, numbers: np.ndarray) -> np.ndarray:
        return numbers - numbers % _UNITS_PER_DAY[self.unit]


class GeneralizeIp(ValueMethod):
    """Replaces an IP address by its network, e.g. ``203.0.113.0/24`` or ``2001:db8:7::/48``.

    An IPv4 address mapped into IPv6 counts as the IPv4 address.
    """

    method: Literal["generalize"] = "generalize"
    kind: Literal["ip"] = "ip"
    ipv4_prefix: int = Field(default=24, ge=0, le=31)
    ipv6_prefix: int = Field(default=48, ge=0, le=127)

    def validate_type(self, kind: pa.DataType) -> None:
        if not is_text(kind):
            raise ValueError(f"generalize ip needs text, not {kind}")

    def operate(self, values: pa.Array, keys: object) -> pa.Array:
        return _map_text(values, self._network)

    def _network(self, text: str) -> str:
        address = ip_address(text.strip().partition("%")[0])
        if isinstance(address, IPv6Address):
            address = address.ipv4_mapped or address
        prefix = self.ipv4_prefix if address.version == 4 else self.ipv6_prefix
        host_bits = address.max_prefixlen - prefix
        return f"{type(address)(int(address) >> host_bits << host_bits)}/{prefix}"


def _utc_day(text: str) -> str:
    match = _ISO_TIME.fullmatch(text.strip())
    if not match:
        raise ValueError
    day, minute, offset = match.groups()
    if not offset or offset == "Z":
        return date.fromisoformat(day).isoformat()
    local = datetime.strptime(f"{day} {minute} {offset}", "%Y-%m-%d %H:%M %z")
    return local.astimezone(timezone.utc).date().isoformat()


def _map_text(values: pa.Array, function: Callable[[str], str]) -> pa.Array:
    def treat(value: bytes) -> bytes:
        try:
            return function(value.decode()).encode()
        except (ValueError, OverflowError):
            return REDACTED.encode()

    return from_bytes([treat(value) for value in to_bytes(values)], values.type)
