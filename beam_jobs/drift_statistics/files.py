"""The files of a statistics artifact, on any filesystem that Beam knows.

``Split-<split>/FeatureStats.pb``: TFDV's DatasetFeatureStatisticsList, of the whole and each slice.
``Split-<split>/rows.parquet``: a sample of the split's rows.
``Split-<split>/errors.parquet``: ``time`` (int64, microseconds) and ``error`` (float32) of rows
whose label has come, in the order of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tensorflow_metadata.proto.v0 import statistics_pb2

from .population import SpanStatistics

STATISTICS_FILE, ROWS_FILE, ERRORS_FILE = "FeatureStats.pb", "rows.parquet", "errors.parquet"


@dataclass(frozen=True)
class SplitStatistics:
    """What is known of a split's rows; ``rows`` and ``errors`` are None where not kept.

    ``slices``: what ``datasets`` tells, and of more than the whole where that is not written.
    """

    datasets: statistics_pb2.DatasetFeatureStatisticsList
    rows: pa.Table | None = None
    errors: pa.Table | None = None
    slices: SpanStatistics | None = None


def write_statistics(uri: str, split: str, statistics: SplitStatistics) -> None:
    """Writes the files of ``Split-<split>`` below ``uri``."""
    folder = f"{uri}/Split-{split}"
    for name, table in ((ROWS_FILE, statistics.rows), (ERRORS_FILE, statistics.errors)):
        if table is not None:
            with _created(f"{folder}/{name}") as file:
                pa.parquet.write_table(table, file)
    with _created(f"{folder}/{STATISTICS_FILE}") as file:
        file.write(statistics.datasets.SerializeToString())


def read_statistics(uri: str, split: str) -> SplitStatistics | None:
    """What lies in ``Split-<split>`` below ``uri``; None where that holds no FeatureStats.pb.

    Raises:
      ValueError: where a file is damaged; names it.
    """
    folder = f"{uri}/Split-{split}"
    data = _read(f"{folder}/{STATISTICS_FILE}")
    if data is None:
        return None
    datasets = statistics_pb2.DatasetFeatureStatisticsList()
    try:
        datasets.ParseFromString(data)
    except Exception as error:  # each protobuf release has an exception of its own
        raise ValueError(f"{folder}/{STATISTICS_FILE} holds no statistics: {error}") from None
    return SplitStatistics(
        datasets, _read_table(f"{folder}/{ROWS_FILE}"), _read_table(f"{folder}/{ERRORS_FILE}")
    )


def forget_rows(folder: str) -> None:
    """Deletes what tells of single rows in ``folder`` and below; the statistics stay."""
    places = (f"{folder}/", f"{folder}/**/")
    patterns = [place + name for place in places for name in (ROWS_FILE, ERRORS_FILE)]
    found = [file.path for match in FileSystems.match(patterns) for file in match.metadata_list]
    if found:
        FileSystems.delete(found)


def _read_table(path: str) -> pa.Table | None:
    data = _read(path)
    if data is None:
        return None
    try:
        return pa.parquet.read_table(pa.BufferReader(data))
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path} is not a Parquet file: {error}") from None


def _read(path: str) -> bytes | None:
    if not FileSystems.exists(path):
        return None
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read()


def _created(path: str) -> BinaryIO:
    return FileSystems.create(path, compression_type=CompressionTypes.UNCOMPRESSED)
