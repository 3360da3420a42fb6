"""How often DriftValidator raises false alarms, and how soon it finds drift, beside its peers.

  python benchmarks/drift_quality.py no-drift --sizes 200 1000 10000 100000 1000000
  python benchmarks/drift_quality.py drift --sizes 1000 10000

``no-drift``: two tables of one distribution with 24 kinds of columns; the share of tables with any
alarm, which is to be at most alpha at every size. Each pair is of tables of its own, but for the
largest sizes, of which a few tables stand for all: the chance is in the smaller side's rows.

``drift``: tables of requests, predictions and labels after one change; the share of tables in which
it is found. Peers are given the best of it: for each of their scores and each column the threshold
is set, from tables without drift, such that a whole table of them raises an alarm as often as
alpha, which they cannot do for their users.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from drift_peers import Peer
from drift_quality_data import CHANGES, columns, requests
from tfx_vigil.beam_jobs.drift_statistics.files import SplitStatistics
from tfx_vigil.beam_jobs.drift_statistics.job import add, finished
from tfx_vigil.beam_jobs.tables import list_columns
from tfx_vigil.components.drift_statistics.measure import statistics_config
from tfx_vigil.components.drift_validator.by_hand import compare_statistics
from tfx_vigil.components.drift_validator.config import DriftConfig

ALPHA = 0.05
ROWS_A_POOL, LEAST_TABLES = 2_000_000, 15
ALONE = dict.fromkeys(("correlations", "domain_classifier", "change_point"))
MARGINALS = DriftConfig(alpha=ALPHA, ignore=["log_*"], detectors=ALONE, sample_rows=False)
REQUESTS = DriftConfig(alpha=ALPHA, task="binary_classification", slices=[["region"]])


def measured(table: pa.Table, config: DriftConfig) -> SplitStatistics:
    wanted = statistics_config(config)
    started = wanted.started()
    for batch in table.combine_chunks().to_batches():
        add(started, list_columns("table", batch))
    return finished(started, table.num_rows, wanted)


def no_drift(sizes: list[int], repeats: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    pools: dict[int, list[list[SplitStatistics]]] = {}
    for n in sizes:
        tables = min(repeats, max(LEAST_TABLES, ROWS_A_POOL // n))
        pools[n] = [
            [measured(columns(random, n), MARGINALS) for _ in range(tables)] for _ in range(2)
        ]
    print(f"Share of {repeats} pairs of tables with any alarm, alpha = {ALPHA}")
    print("| rows before \\ now | " + " | ".join(f"{m:,}" for m in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for n in sizes:
        shares = []
        for m in sizes:
            pairs = _pairs(pools[n][0], pools[m][1], repeats)
            alarms = [compare_statistics(b, c, MARGINALS).drift for b, c in pairs]
            shares.append(f"{np.mean(alarms):.3f}")
        print(f"| {n:,} | " + " | ".join(shares) + " |", flush=True)


def _pairs(before: list, now: list, number: int) -> Iterator[tuple]:
    """Different pairs in which each table occurs as rarely as can be."""
    turn = math.lcm(len(before), len(now))
    for i in range(min(number, len(before) * len(now))):
        yield before[i % len(before)], now[(i + i // turn) % len(now)]


def drift(sizes: list[int], repeats: int, seed: int) -> None:
    for n in sizes:
        started = time.perf_counter()
        found: dict[str, dict[str | None, list]] = {}
        for change, tables in _requests(n, repeats, seed):
            ours = compare_statistics(*(measured(t, REQUESTS) for t in tables), REQUESTS)
            found.setdefault("tfx-vigil", {}).setdefault(change, []).append(ours.drift)
        with tempfile.TemporaryDirectory() as folder:
            for name, scores in (("evidently", ["marginal"]), ("nannyml", ["marginal", "joint"])):
                for detector, by_change in _peer(name, scores, n, repeats, seed, folder).items():
                    found[detector] = by_change
        _print(n, found)
        print(f"({time.perf_counter() - started:.0f} s)\n", flush=True)


def _requests(n: int, repeats: int, seed: int) -> Iterator[tuple[str | None, list[pa.Table]]]:
    """Pairs of tables, three times as many without a change."""
    random = np.random.default_rng(seed)
    for change in (None, *CHANGES):
        for _ in range(repeats * (3 if change is None else 1)):
            yield change, [requests(random, n), requests(random, n, change)]


def _peer(
    name: str, scores: list[str], n: int, repeats: int, seed: int, folder: str
) -> dict[str, dict[str | None, list]]:
    """By detector and change, whether each table raises an alarm at the calibrated thresholds."""
    made: dict[str, dict[str | None, list[dict[str, float]]]] = {}
    paths = [Path(folder) / f"{side}.parquet" for side in ("before", "now")]
    with Peer(name, threads=1) as peer:
        for change, tables in _requests(n, repeats, seed):
            for path, table in zip(paths, tables, strict=True):
                pa.parquet.write_table(table, path)
            for detector, told in peer.verdict(*paths, scores)["scores"].items():
                made.setdefault(detector, {}).setdefault(change, []).append(told)
    return {detector: _alarms(by_change) for detector, by_change in made.items()}


def _alarms(by_change: dict[str | None, list[dict[str, float]]]) -> dict[str | None, list]:
    """Each column's score in standard deviations from its mean without drift; the largest of a
    table is held against the value that a share ``ALPHA`` of tables without drift exceeds."""
    names = list(by_change[None][0])
    tables = {
        change: np.nan_to_num([[told[name] for name in names] for told in each])
        for change, each in by_change.items()
    }
    mean, deviation = tables[None].mean(axis=0), tables[None].std(axis=0)
    largest: Callable[[np.ndarray], np.ndarray] = lambda scores: (  # noqa: E731
        (scores - mean) / np.maximum(deviation, 1e-12)
    ).max(axis=1)
    threshold = np.quantile(largest(tables[None]), 1 - ALPHA)
    return {change: list(largest(scores) > threshold) for change, scores in tables.items()}


def _print(n: int, found: dict[str, dict[str | None, list]]) -> None:
    print(f"Share of tables of {n:,} rows on each side in which drift is found")
    print("| change | " + " | ".join(found) + " |")
    print("|---|" + "---|" * len(found))
    for change in (None, *CHANGES):
        shares = [f"{np.mean(by_change[change]):.2f}" for by_change in found.values()]
        print(f"| {change or 'none (false alarms)'} | " + " | ".join(shares) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("no-drift", "drift"))
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 1_000, 10_000])
    parser.add_argument("--repeats", type=int, default=None, help="pairs of tables, each")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.what == "no-drift":
        no_drift(args.sizes, args.repeats or 200, args.seed)
    else:
        drift(args.sizes, args.repeats or 20, args.seed)


if __name__ == "__main__":
    main()
