"""Record batches in Parquet files."""

from __future__ import annotations

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet
from apache_beam.coders import BytesCoder
from apache_beam.io.filebasedsink import FileBasedSink


class WriteParquet(beam.PTransform):
    """Writes record batches of one schema as ``<split_uri>/data_parquet-*.parquet``."""

    def __init__(self, split_uri: str):
        super().__init__()
        self._sink = ParquetSink(f"{split_uri}/data_parquet", BytesCoder(), ".parquet")

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return batches | "Write" >> beam.io.Write(self._sink)


class ParquetSink(FileBasedSink):
    """A row group a batch; a file without any batch has no columns."""

    def open(self, temp_path: str) -> list:
        return [super().open(temp_path), None]

    def write_record(self, file_handle: list, value: pa.RecordBatch) -> None:
        file, writer = file_handle
        writer = writer or pa.parquet.ParquetWriter(file, value.schema)
        writer.write_table(pa.Table.from_batches([value]))
        file_handle[1] = writer

    def close(self, file_handle: list) -> None:
        file, writer = file_handle
        writer = writer or pa.parquet.ParquetWriter(file, pa.schema([]))
        writer.close()
        super().close(file)
