"""Tables given by hand (Parquet, CSV, tf.Examples) as Arrow record batches.

Columns follow tfx-bsl, as in ``examples``: one list a row (``int64``, ``float`` or
``large_binary``), null where the row has no value. Times become microseconds (since the epoch,
UTC, for dates and timestamps), as in the logs; booleans become 0 and 1.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx_bsl.arrow import array_util

from .examples import ReadExamples

PARQUET_BATCH_ROWS = 32_768
_PANDAS_INDEX = re.compile(r"__index_level_\d+__$")
CSV_BLOCK_BYTES = 4 << 20
_LONGEST_LINE_BLOCKS = 8


class ReadTable(beam.PTransform):
    """Reads a table into record batches, a block at a time.

    A pandas index that was stored with a Parquet file is no column.

    Args:
      path: a file, a glob, or a folder: of files, or of an Examples artifact (all its splits;
        name the ``Split-...`` folder itself to read one). Parquet and CSV (``.csv``,
        ``.csv.gz``, header in the first line, empty cell = no value) are told by their names and
        first bytes; everything else is taken for TFRecords of tf.Examples, gzipped or not.

    Raises:
      FileNotFoundError: where ``path`` matches no file.
      ValueError: on a mix of formats; when the pipeline runs, on a column of a type that a
        tf.Example cannot hold, or a damaged CSV file. Names file and column, never a value.
    """

    def __init__(self, path: str):
        super().__init__()
        self._files, self._format = _table(path)

    def expand(self, root) -> beam.PCollection:
        if self._format == "tfrecord":
            return root | "Examples" >> ReadExamples(self._files)
        files = root | "Files" >> beam.Create(self._files)
        if self._format == "parquet":
            batches = (
                files
                | "Row groups" >> beam.FlatMap(_row_groups)
                | "Spread" >> beam.Reshuffle()
                | "Parquet" >> beam.FlatMapTuple(_read_row_group)
            )
        else:
            types = (
                files
                | "Types" >> beam.Map(_csv_types)
                | "Widest types" >> beam.CombineGlobally(_widest_types)
            )
            batches = (
                files
                | "Spread" >> beam.Reshuffle()
                | "CSV" >> beam.FlatMap(_read_csv, beam.pvalue.AsSingleton(types))
            )
        return batches | "Lists" >> beam.MapTuple(list_columns).with_output_types(pa.RecordBatch)


def _table(path: str) -> tuple[list[str], str]:
    files = table_files(path)
    formats = {_format(file): file for file in files}
    if len(formats) > 1:
        raise ValueError(f"{path} mixes formats: {formats}; give one format at a time")
    return files, next(iter(formats))


def table_files(path: str) -> list[str]:
    """The files of the table at ``path``, hidden ones and markers (``_SUCCESS``) left out."""
    folder = path.rstrip("/")
    inside = _matches(f"{folder}/*", f"{folder}/Split-*/*")
    files = [file for file in inside or _matches(path) if not os.path.isdir(file)]
    files = [file for file in files if not FileSystems.split(file)[1].startswith(("_", "."))]
    if not files:
        raise FileNotFoundError(f"no table at {path}: not a file, glob or folder of files")
    return files


def list_columns(file: str, batch: pa.RecordBatch) -> pa.RecordBatch:
    """``batch`` with its columns as lists of the three types that a tf.Example holds.

    Columns of Arrow's null type (no value at all) are left out, as they are in a tf.Example.

    Raises:
      ValueError: on a column of another type; names it, its type and ``file``.
    """
    return _converted(file, batch, _list_column)


def flat_batches(path: str, batch_rows: int) -> Iterator[pa.RecordBatch] | None:
    """The rows of a Parquet or CSV table, read in this process, as many at a time as ``batch_rows``
    or fewer; None where it is of tf.Examples.

    Columns are as ReadTable gives them, but flat where a row has one value at most; strings of
    Parquet are dictionary-encoded. ``path`` and what is raised: see ReadTable.
    """
    files, kind = _table(path)
    if kind == "tfrecord":
        return None
    return _flat_parquet(files, batch_rows) if kind == "parquet" else _flat_csv(files)


def _flat_parquet(files: Sequence[str], batch_rows: int) -> Iterator[pa.RecordBatch]:
    for file in files:
        with _opened(file) as f:
            words = [
                field.name
                for field in pa.parquet.ParquetFile(f).schema_arrow
                if pa.types.is_string(field.type) or pa.types.is_binary(field.type)
            ]
            f.seek(0)
            table = pa.parquet.ParquetFile(f, read_dictionary=words)
            for batch in table.iter_batches(batch_rows, columns=_columns(table)):
                yield _converted(file, batch, _flat_column)


def _flat_csv(files: Sequence[str]) -> Iterator[pa.RecordBatch]:
    types = _widest_types(_csv_types(file) for file in files)
    for file in files:
        for _, batch in _read_csv(file, types):
            yield _converted(file, batch, _flat_column)


def _converted(
    file: str, batch: pa.RecordBatch, convert: Callable[[pa.Array], pa.Array]
) -> pa.RecordBatch:
    columns = {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_null(field.type):
            continue
        try:
            columns[field.name] = convert(column)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise ValueError(
                f"{file}: column {field.name!r} of type {field.type} cannot be read as integers, "
                "floats or strings, or lists of them without nulls or too large numbers; leave "
                "it out or convert it"
            ) from None
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _matches(*patterns: str) -> list[str]:
    matches = FileSystems.match(list(patterns))
    return sorted({file.path for match in matches for file in match.metadata_list})


def _format(file: str) -> str:
    if file.endswith((".csv", ".csv.gz")):
        return "csv"
    with _opened(file) as f:
        return "parquet" if f.read(4) == b"PAR1" else "tfrecord"


def _flat_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _list_column(column)
    if pa.types.is_dictionary(kind) and not pa.types.is_null(kind.value_type):
        values = _values(column.dictionary)
        if pa.types.is_large_binary(values.type):
            return pa.DictionaryArray.from_arrays(column.indices, values)
    return _values(column)


def _list_column(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _list_column(column.cast(kind.value_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        values = _values(column.flatten())
        if values.null_count:
            raise pa.ArrowInvalid("null in a list")
        lengths = column.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        missing = np.append(column.is_null().to_numpy(zero_copy_only=False), False)
        return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64(), mask=missing), values)
    return array_util.ToSingletonListArray(_values(column))


def _values(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _values(column.cast(kind.value_type))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float32())
    if pa.types.is_date(kind):
        return column.cast(pa.timestamp("us")).cast(pa.int64())
    for is_kind, unit in _TIMES.items():
        if is_kind(kind):
            return column.cast(unit(kind), safe=False).cast(pa.int64())
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return column.cast(pa.int64())
    return column.cast(pa.large_binary())


_TIMES = {
    pa.types.is_timestamp: lambda kind: pa.timestamp("us", kind.tz),
    pa.types.is_time: lambda kind: pa.time64("us"),
    pa.types.is_duration: lambda kind: pa.duration("us"),
}


def _row_groups(file: str) -> Iterator[tuple[str, int]]:
    with _opened(file) as f:
        groups = pa.parquet.ParquetFile(f).num_row_groups
    return ((file, group) for group in range(groups))


def _read_row_group(file: str, group: int) -> Iterator[tuple[str, pa.RecordBatch]]:
    with _opened(file) as f:
        table = pa.parquet.ParquetFile(f)
        for batch in table.iter_batches(PARQUET_BATCH_ROWS, [group], _columns(table)):
            yield file, batch


def _columns(table: pa.parquet.ParquetFile) -> list[str]:
    return [name for name in table.schema_arrow.names if not _PANDAS_INDEX.match(name)]


def _opened(file: str) -> BinaryIO:
    return FileSystems.open(file, compression_type=CompressionTypes.UNCOMPRESSED)


def _read_csv(
    file: str, types: dict[str, pa.DataType] | None = None
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Blocks of the file. Arrow gets bytes, not the file: its reader's threads can deadlock on
    a Python file that is closed before they are done."""
    convert = pa.csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True)
    parse = pa.csv.ParseOptions(newlines_in_values=True)
    names = None
    for block in _blocks(file):
        read = pa.csv.ReadOptions(column_names=names, block_size=len(block) + 1)
        try:
            table = pa.csv.read_csv(pa.BufferReader(block), read, parse, convert)
        except pa.ArrowInvalid as error:
            shape = re.search(r"Expected \d+ columns, got \d+", str(error))
            reason = shape.group() if shape else "its bytes do not parse"
            raise ValueError(f"{file} is not a CSV table: {reason}") from None
        names = table.column_names
        for batch in table.to_batches():
            yield file, batch


def _blocks(file: str) -> Iterator[bytes]:
    """The file's bytes in blocks of whole lines; a line break inside quotes ends no line."""
    rest = b""
    with FileSystems.open(file) as f:
        while data := f.read(CSV_BLOCK_BYTES):
            data = rest + data
            end = data.rfind(b"\n") + 1
            while end and data.count(b'"', 0, end) % 2:
                end = data.rfind(b"\n", 0, end - 1) + 1
            if end:
                yield data[:end]
            rest = data[end:]
            if len(rest) > _LONGEST_LINE_BLOCKS * CSV_BLOCK_BYTES:
                raise ValueError(f"{file} is not a CSV table: a quote is never closed")
    if rest:
        yield rest


def _csv_types(file: str) -> dict[str, pa.DataType]:
    """The narrowest types that hold every value of the file, not only of its first block."""
    return _widest_types(
        dict(zip(batch.schema.names, batch.schema.types, strict=True))
        for _, batch in _read_csv(file)
    )


def _widest_types(found: Iterable[dict[str, pa.DataType]]) -> dict[str, pa.DataType]:
    widest: dict[str, pa.DataType] = {}
    for types in found:
        for name, kind in types.items():
            widest[name] = _wider(widest.get(name, kind), kind)
    return widest


_WIDER = {pa.int64(): pa.float64(), pa.timestamp("s"): pa.timestamp("ns")}


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if pa.types.is_null(one) or _WIDER.get(one) == other:
        return other
    if one == other or pa.types.is_null(other) or _WIDER.get(other) == one:
        return one
    return pa.binary()
