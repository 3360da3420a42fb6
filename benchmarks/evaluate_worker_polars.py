"""A polars group-by that gives the point values of evaluate.py's metrics; prints JSON."""

from __future__ import annotations

import json
import sys
import time

import polars as pl
from evaluate_data import SLICES, numbers


def main(rows: int, cities: int) -> None:
    frame = pl.concat([pl.DataFrame(made) for made in numbers(rows, cities)])
    y, p, hit = pl.col("label"), pl.col("score"), pl.col("score") >= 0.5
    positives = y.sum()
    metrics = [
        ((p.rank() * y).sum() - positives * (positives + 1) / 2)
        / (positives * (pl.len() - positives)),
        (hit * y).sum() / hit.sum(),
        (hit * y).sum() / positives,
        p.sum() / positives,
        -(y * p.log() + (1 - y) * (1 - p).log()).mean(),
    ]
    named = [metric.alias(str(i)) for i, metric in enumerate(metrics)]
    start = time.process_time()
    slices = frame.select(named).height
    slices += sum(frame.group_by(features).agg(named).height for features in SLICES)
    print(json.dumps({"cpu": time.process_time() - start, "slices": slices}))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
