"""What a job wrote, decoded and in an order of its own."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow.parquet as pq
import tensorflow as tf


def rows(folder: str | Path, split: str) -> list[list[tuple]]:
    """(name, value) of each column that a row has a value of."""
    files = sorted(map(str, (Path(folder) / f"Split-{split}").iterdir()))
    if files[0].endswith(".parquet"):
        tables = [pq.read_table(file).to_pylist() for file in files]
        return sorted(
            sorted((name, str(value)) for name, value in row.items() if value is not None)
            for table in tables
            for row in table
        )
    compression = "GZIP" if files[0].endswith(".gz") else ""
    found = []
    for data in tf.data.TFRecordDataset(files, compression).as_numpy_iterator():
        columns = tf.train.Example.FromString(data).features.feature
        values = {name: x.SerializeToString() for name, x in columns.items()}
        found.append(sorted((name, value) for name, value in values.items() if value))
    return sorted(found)


def dead_letters(folder: str | Path) -> list[bytes]:
    """Their lines."""
    return sorted(
        line
        for path in Path(folder).iterdir()
        for line in gzip.decompress(path.read_bytes()).splitlines()
    )
