"""Numbers of calls and records, by which the second pass finds what the first one has seen."""

from __future__ import annotations

import numpy as np

from .ingest_keys import places_by

UnitIndex = dict[int, tuple[int, int]]
"""Files of a unit to the numbers of their first call and first record in the unit."""


class Numbers:
    """Numbers the calls and records of a unit, the same whether all its files are read or some."""

    def __init__(self, index: UnitIndex | None):
        self._next = {file: list(firsts) for file, firsts in (index or {}).items()}
        self._known = index is not None
        self._totals = [0, 0]

    @property
    def next_call(self) -> int:
        return self._totals[0]

    def of_calls(self, files: np.ndarray) -> np.ndarray:
        return self._of(files, 0)

    def of_records(self, files: np.ndarray) -> np.ndarray:
        return self._of(files, 1)

    def _of(self, files: np.ndarray, which: int) -> np.ndarray:
        if not self._known:
            first = self._totals[which]
            self._totals[which] += len(files)
            return np.arange(first, first + len(files), dtype=np.int32)
        numbers = np.empty(len(files), np.int32)
        for file, places in places_by(files):
            first = self._next[file][which]
            numbers[places] = np.arange(first, first + len(places))
            self._next[file][which] += len(places)
        return numbers
