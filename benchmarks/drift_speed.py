"""What tfx-vigil drift costs beside a floor and its peers, on two tables of a million rows.

  python benchmarks/drift_speed.py [--rows 1000000] [--peers evidently nannyml tfdv]

Goals: tables of 20 columns from Parquet at most 5 times the floor (numpy on dictionary-encoded
Arrow: one histogram and one distance a column), faster than NannyML and TFDV, at least 20 times
faster than Evidently, imports apart; 100 slices at most 3 times as long as none; no more than
1.5 GB; from tf.Examples at most 1.3 times what decoding them costs. Ours compares distances alone
with verdicts on each, as the peers do; the detectors, which take a sample of the rows, are timed
apart.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from drift_peers import PEERS, Peer
from drift_quality_data import COLUMNS, Generator, categories

SLICES = 100
EXAMPLE_ROWS, EXAMPLES_A_BATCH = 100_000, 4096


def table(random: Generator, n: int) -> pa.Table:
    """12 columns of numbers, 2 of integers, 6 of categories, the last of ``SLICES`` values."""
    kinds = ("normal", "log_normal", "cauchy", "uniform", "exponential", "rounded")
    kinds += ("bimodal", "zero_inflated", "censored", "some_missing", "sparse", "timestamps")
    kinds += ("counts", "integer_codes")
    kinds += tuple(f"categories_{values}" for values in (2, 10, 100, 1000, 5000))
    drawn = {kind: COLUMNS[kind](random, n) for kind in kinds}
    return pa.table(drawn | {"region": categories(random, n, np.full(SLICES, 1 / SLICES))})


def floor(paths: Sequence[str]) -> dict[str, float]:
    """L-infinity distances of strings, Jensen-Shannon divergences of numbers in 20 equal bins."""
    schema = pa.parquet.read_schema(paths[0])
    words = [field.name for field in schema if pa.types.is_string(field.type)]
    tables = [pa.parquet.read_table(p, read_dictionary=words).unify_dictionaries() for p in paths]
    distances = {}
    for name in schema.names:
        sides = [each[name].combine_chunks().drop_null() for each in tables]
        if name in words:
            shares = [_shares_of_words(side) for side in sides]
            names = shares[0].keys() | shares[1].keys()
            apart = [shares[0].get(word, 0) - shares[1].get(word, 0) for word in names]
            distances[name] = float(np.abs(apart).max())
        else:
            values = [side.to_numpy(zero_copy_only=False) for side in sides]
            ends = min(v.min() for v in values), max(v.max() for v in values)
            p, q = (np.histogram(v, 20, ends)[0] / len(v) for v in values)
            middle = np.maximum((p + q) / 2, 1e-300)
            parts = [side * np.log2(np.maximum(side, 1e-300) / middle) for side in (p, q)]
            distances[name] = float(sum(part.sum() for part in parts) / 2)
    return distances


def _shares_of_words(side: pa.Array | pa.ChunkedArray) -> dict[str, float]:
    side = side.combine_chunks() if isinstance(side, pa.ChunkedArray) else side
    counts = np.bincount(side.indices.to_numpy(), minlength=len(side.dictionary))
    return dict(zip(side.dictionary.to_pylist(), counts / len(side), strict=True))


def ours(paths: Sequence[str], slices: list[list[str]], detectors: bool) -> None:
    from tfx_vigil.components.drift_validator.by_hand import compare_tables
    from tfx_vigil.components.drift_validator.config import DriftConfig

    off = {} if detectors else {"detectors": dict.fromkeys(DETECTORS), "sample_rows": False}
    compare_tables(*paths, slices, DriftConfig(**off))


DETECTORS = ("correlations", "domain_classifier", "change_point")


def examples(data: list[bytes], measured: bool) -> None:
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder
    from tfx_vigil.beam_jobs.drift_statistics.job import StatisticsConfig, add, finished

    decoder, config = ExamplesToRecordBatchDecoder(), StatisticsConfig(sampled=None)
    started = config.started()
    for start in range(0, len(data), EXAMPLES_A_BATCH):
        batch = decoder.DecodeBatch(data[start : start + EXAMPLES_A_BATCH])
        if measured:
            add(started, batch)
    if measured:
        finished(started, len(data), config)


def measured(work: Callable[..., object], *args: object) -> tuple[float, float]:
    """Seconds of the second of two runs in a process of its own, and its peak memory in MB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (work, args))


def _timed(work: Callable[..., object], args: tuple) -> tuple[float, float]:
    seconds = 0.0
    for _ in range(2):
        start = time.perf_counter()
        work(*args)
        seconds = time.perf_counter() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def encoded(rows: pa.Table) -> list[bytes]:
    from tfx_vigil.beam_jobs.examples import encode_examples
    from tfx_vigil.beam_jobs.tables import list_columns

    [batch] = rows.combine_chunks().to_batches()
    return encode_examples(list_columns("rows", batch))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each table")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    args = parser.parse_args()
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder) / f"{side}.parquet") for side in ("before", "now")]
        for path in paths:
            pa.parquet.write_table(table(random, args.rows), path, row_group_size=1 << 17)
        print(f"Two tables of {args.rows:,} rows and 20 columns from Parquet")
        least, _ = measured(floor, paths)
        plain, memory = measured(ours, paths, [], False)
        sliced, sliced_memory = measured(ours, paths, [["region"]], False)
        whole, _ = measured(ours, paths, [], True)
        print(f"floor                     {least:6.2f} s")
        print(
            f"tfx-vigil                 {plain:6.2f} s {memory:6.0f} MB "
            f"{plain / least:6.2f} x floor"
        )
        print(
            f"  {SLICES} slices              {sliced:6.2f} s {sliced_memory:6.0f} MB "
            f"{sliced / plain:6.2f} x none"
        )
        print(f"  with all detectors      {whole:6.2f} s")
        for name in args.peers:
            with Peer(name) as peer:
                told = peer.verdict(*map(Path, paths))
            seconds, memory = told["seconds"], told["peak_mb"]
            print(
                f"{name:25} {seconds:6.2f} s {memory:6.0f} MB {seconds / plain:6.2f} x tfx-vigil",
                flush=True,
            )
    data = encoded(table(random, EXAMPLE_ROWS))
    alone, _ = measured(examples, data, False)
    both, _ = measured(examples, data, True)
    print(f"{EXAMPLE_ROWS:,} tf.Examples decoded   {alone:6.2f} s")
    print(f"  and measured            {both:6.2f} s {both / alone:6.2f} x decoding alone")


if __name__ == "__main__":
    main()
