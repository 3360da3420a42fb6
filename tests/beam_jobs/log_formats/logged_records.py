"""The records of log files, as the containers give them to a format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tfx_vigil.beam_jobs.log_containers.contract import Extent, Record
from tfx_vigil.beam_jobs.log_containers.detect import read


def records_of(paths: Iterable[Path], format: str) -> list[Record]:
    records = []
    for path in sorted(paths):
        size = path.stat().st_size
        for chunk in read(Extent(0, str(path), 0, size, size), format):
            assert chunk.damage is None
            records += chunk.records
    return records
