"""Which slices get estimates."""

from __future__ import annotations

from collections.abc import Mapping

from ..metrics.memberships import SliceKey
from ..slices import slice_name

MOST_SLICES = 1000


def large_slices(rows: Mapping[SliceKey, int], least: int) -> list[SliceKey]:
    """The whole, then by name the largest ``MOST_SLICES`` slices of at least ``least`` rows."""
    large = sorted((key for key, n in rows.items() if key and n >= least), key=lambda k: -rows[k])
    return [key for key in rows if not key] + sorted(large[:MOST_SLICES], key=slice_name)
