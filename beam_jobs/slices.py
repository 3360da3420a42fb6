"""Slices: which rows belong together, and what such a group is called."""

from __future__ import annotations

from collections.abc import Iterable

OVERALL = "overall"


def slice_name(key: Iterable[tuple[str, object]]) -> str:
    """The name of a slice in every report.

    Args:
      key: (feature, value) pairs, as in TFMA's slice keys; empty for the whole.

    >>> slice_name([])
    'overall'
    >>> slice_name([("payment_type", b"Cash"), ("hour", 7)])
    'payment_type=Cash, hour=7'
    """
    return ", ".join(f"{feature}={_text(value)}" for feature, value in key) or OVERALL


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
