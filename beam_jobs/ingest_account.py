"""LogIngest's account: what the stages count, and how they hand on what they cannot use.

A Tally counts (name, file) for each field of IngestCounts, by the file's number among the
inputs, and (group, value) for the rest: ``reason`` of dead letters, ``unfinished`` records, bins
of ``label_delay_hours``, and of the traffic what ``count_traffic`` says.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Sequence

import numpy as np
import orjson

COUNTS, DEAD_LETTERS, KINDS, LABELLED = "counts", "dead_letters", "kinds", "labelled"
ROWS = ("rows_written", "rows_duplicate", "rows_outside_window", "rows_rejected")
LABELS = (
    "labels_joined",
    "labels_late",
    "labels_orphan",
    "labels_repeated",
    "labels_outside_window",
)


class Tally:
    def __init__(self):
        self.counts: Counter = Counter()

    def add(self, name: str, files: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Counts each entry of ``files``, as often as ``weights`` says, for its file."""
        if len(files):
            found = np.bincount(files, weights)
            for file in np.flatnonzero(found).tolist():
                self.counts[name, file] += int(found[file])

    def count(self, name: str, file: int) -> None:
        self.counts[name, file] += 1


def dead_letter(
    file: str, offset: int, data: bytes, reason: str, rows: Sequence[int] | None = None
) -> str:
    """One line of ``dead_letters-*.jsonl.gz``; ``bytes`` is the record in base64.

    ``rows``: where only some of the record's rows could not be used, their places.
    """
    letter = {"file": file, "offset": offset, "reason": reason}
    if rows is not None:
        letter["rows"] = rows
    return orjson.dumps(letter | {"bytes": base64.b64encode(data).decode()}).decode()
