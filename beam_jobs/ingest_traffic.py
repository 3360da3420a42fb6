"""What the rows of a window tell of its traffic, counted block by block."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from .ingest_account import Tally
from .ingest_blocks import Block
from .ingest_config import Window
from .ingest_keys import places_by
from .log_clock import jumps_back, leads
from .log_histogram import bins_of, largest, quantiles
from .reports import FileClock, VersionTraffic

QUARTERS = 4
UNKNOWN = "unknown"

Groups = Mapping[str, Mapping[Any, int]]


def count_rows(
    tally: Tally, features: Mapping[str, pa.Array], times: np.ndarray, window: Window
) -> None:
    """Rows, and those that have a value, of each feature in each quarter of the window.

    Misfits count too: a feature that stops is seen though a contract requires it.
    """
    quarter = (times - window.start) * QUARTERS // (window.end - window.start)
    rows = np.bincount(quarter, minlength=QUARTERS)
    for n, count in enumerate(rows.tolist()):
        tally.counts["rows_by_quarter", n] += count
    for name, array in features.items():
        found = rows
        if array.null_count:
            valid = array.is_valid().to_numpy(zero_copy_only=False)
            found = np.bincount(quarter[valid], minlength=QUARTERS)
        for n, count in enumerate(found.tolist()):
            tally.counts["feature_rows", (name, n)] += count


def count_traffic(
    tally: Tally,
    versions: Sequence[str | None],
    statuses: Sequence[str | None],
    latencies: Sequence[float | None],
    leads: np.ndarray,
) -> None:
    """Rows, and requests (``leads``: their first rows), of each model version."""
    versions = [version or UNKNOWN for version in versions]
    tally.counts.update(_keyed("version_rows", versions))
    tally.counts.update(_keyed("status_rows", (x for x in statuses if x is not None)))
    first = np.flatnonzero(leads).tolist()
    tally.counts.update(_keyed("version_requests", (versions[n] for n in first)))
    answered = ((versions[n], statuses[n]) for n in first if statuses[n] is not None)
    tally.counts.update(_keyed("version_status", answered))
    measured = defaultdict(list)
    for n in first:
        if latencies[n] is not None:
            measured[versions[n]].append(latencies[n])
    for version, found in measured.items():
        for place, count in bins_of(np.array(found)):
            tally.counts["version_latency_ms", (version, place)] += count


def count_clocks(tally: Tally, block: Block, window: Window) -> None:
    """Files' times that cannot be right, see ``log_clock``."""
    files = block.files[block.record]
    written = {extent.file: extent.written for extent, _ in block.records.chunks}
    for file, places in places_by(files):
        times = block.times[places]
        for name, seconds in (
            ("clock_ahead", leads(times, written[file], window)),
            ("clock_back", jumps_back(times, window)),
        ):
            for place, count in bins_of(seconds):
                tally.counts[name, (file, place)] += count


def traffic_of(groups: Groups, minutes: float) -> list[VersionTraffic]:
    """A version each, in the order of their names."""
    requests = groups["version_requests"]
    return [
        VersionTraffic(
            model_version=version,
            requests=requests.get(version, 0),
            requests_per_minute=requests.get(version, 0) / minutes,
            rows=rows,
            statuses=dict(sorted(_of(groups["version_status"], version).items())),
            latency_ms=quantiles(_of(groups["version_latency_ms"], version)),
        )
        for version, rows in sorted(groups["version_rows"].items())
    ]


def feature_rows(groups: Groups) -> dict[str, list[int]]:
    names = sorted({name for name, _ in groups["feature_rows"]})
    return {
        name: [groups["feature_rows"].get((name, n), 0) for n in range(QUARTERS)] for name in names
    }


def clocks_of(groups: Groups, files: Sequence[str]) -> list[FileClock]:
    odd = sorted({file for name in ("clock_ahead", "clock_back") for file, _ in groups[name]})
    clocks = []
    for file in odd:
        ahead, back = (_of(groups[name], file) for name in ("clock_ahead", "clock_back"))
        clock = FileClock(
            file=files[file],
            ahead=sum(ahead.values()),
            largest_lead_seconds=largest(ahead),
            jumps_back=sum(back.values()),
            largest_jump_back_seconds=largest(back),
        )
        clocks.append(clock)
    return clocks


def total_latency(groups: Groups) -> Counter:
    total = Counter()
    for (_, place), count in groups["version_latency_ms"].items():
        total[place] += count
    return total


def _keyed(group: str, values: Iterable) -> dict[tuple, int]:
    return {(group, value): n for value, n in Counter(values).items()}


def _of(pairs: Mapping[tuple, int], wanted: Any) -> dict[Any, int]:
    return {key: n for (whose, key), n in pairs.items() if whose == wanted}
