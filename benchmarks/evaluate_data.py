"""Scored and labelled rows for evaluate.py and the peers that it measures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

SLICES = [["city"], ["kind"], ["city", "kind"]]
_BATCH = 10_000


def numbers(rows: int, cities: int) -> Iterator[dict[str, np.ndarray]]:
    """Columns of ``rows`` rows, a batch at a time; ``kind`` is one of 5."""
    rng = np.random.default_rng(1)
    for first in range(0, rows, _BATCH):
        n = min(_BATCH, rows - first)
        score = rng.beta(0.8, 3.2, n)
        city, kind = rng.integers(cities, size=n), rng.integers(5, size=n)
        label = (rng.random(n) < score).astype(float)
        yield {"label": label, "score": score, "city": city, "kind": kind}
