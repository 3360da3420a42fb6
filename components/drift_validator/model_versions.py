"""Whether another model version answers since."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .row_values import MISSING, as_texts, single_values

VERSION, TIME = "log_model_version", "log_event_time"
LEAST_SHARE = 0.05


class NewVersion(NamedTuple):
    """``since``: its first row; None where the log has no times. Shares of rows."""

    version: str
    before: float
    now: float
    since: datetime | None


def new_version(baseline: pa.Table, current: pa.Table, min_rows: int) -> NewVersion | None:
    """The version whose share of rows grew most, where that is ``LEAST_SHARE`` or more.

    Args:
      baseline, current: samples of rows.
      min_rows: a version with fewer of them is not named.
    """
    if any(VERSION not in table.column_names for table in (baseline, current)):
        return None
    before, now = (_versions(table) for table in (baseline, current))
    if not (before != "").any() or not (now != "").any():
        return None
    names, counts = np.unique(now, return_counts=True)
    grown = [
        (count / len(now) - (before == name).mean(), name)
        for name, count in zip(names, counts, strict=True)
        if name and count >= min_rows
    ]
    growth, version = max(grown, default=(0.0, ""))
    if growth < LEAST_SHARE:
        return None
    return NewVersion(
        version=str(version),
        before=float((before == version).mean()),
        now=float((now == version).mean()),
        since=_first(current, version),
    )


def _versions(table: pa.Table) -> np.ndarray:
    found = single_values(table[VERSION])
    texts = np.empty(0, str) if found is None else as_texts(found)
    return np.where(texts == MISSING, "", texts)


def _first(table: pa.Table, version: str) -> datetime | None:
    times = single_values(table[TIME]) if TIME in table.column_names else None
    if times is None:
        return None
    first = pc.min(times.filter(pa.array(_versions(table) == version))).as_py()
    return None if first is None else datetime.fromtimestamp(first / 1e6, timezone.utc)
