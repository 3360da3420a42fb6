"""tf.Examples in TFRecord files, as Arrow record batches.

Columns follow tfx-bsl: each is a list column (``list<large_binary>``, ``list<int64>`` or
``list<float>``), one list a row, null where the row lacks the feature.
"""

from __future__ import annotations

from itertools import chain
from typing import BinaryIO

import apache_beam as beam
import google_crc32c
import numpy as np
import pyarrow as pa
from apache_beam.coders import BytesCoder
from apache_beam.io.filebasedsink import FileBasedSink
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.coders import example_coder
from tfx_bsl.tfxio import tf_example_record

BATCH_ROWS = 4096
_BYTES = pa.large_list(pa.large_binary())
_AS_BYTES = (pa.null(), pa.large_list(pa.string()), pa.large_list(pa.large_string()))
"""tfx-bsl decodes a feature that a whole batch lacks as null, but does not encode it."""


class ReadExamples(beam.PTransform):
    """Reads ``file_pattern`` into record batches; with a schema, columns are the schema's."""

    def __init__(self, file_pattern: str | list[str], schema: schema_pb2.Schema | None = None):
        super().__init__()
        self._source = tf_example_record.TFExampleRecord(
            file_pattern, schema=schema, telemetry_descriptors=["tfx_vigil"]
        )

    def expand(self, root) -> beam.PCollection:
        return root | "Read" >> self._source.BeamSource(batch_size=BATCH_ROWS)


class WriteExamples(beam.PTransform):
    """Writes record batches as TFRecords ``<split_uri>/<name>-*``.

    compressed: gzip, ``.gz`` in the name. It takes longer than all else that is done to a row, so
    data that soon is gone is better left plain; stock TFX tells the two by their names.
    """

    def __init__(self, split_uri: str, compressed: bool = True, name: str = "data_tfrecord"):
        super().__init__()
        self._sink = ExampleSink(f"{split_uri}/{name}", BytesCoder(), ".gz" if compressed else "")

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return batches | "Write" >> beam.io.Write(self._sink)


class ExampleSink(FileBasedSink):
    """Files of TFRecords, a batch of rows a write."""

    def write_record(self, file_handle: BinaryIO, value: pa.RecordBatch) -> None:
        file_handle.write(tf_records(encode_examples(value)))


def tf_records(data: list[bytes]) -> bytes:
    """``data`` framed as TFRecords: length, data and their masked CRC-32C, little-endian."""
    lengths, of_length = np.unique(np.array([len(x) for x in data], "<u8"), return_inverse=True)
    heads = [length.tobytes() for length in lengths]
    heads = [x + crc for x, crc in zip(heads, _masked_crcs(heads), strict=True)]
    parts = zip((heads[n] for n in of_length.tolist()), data, _masked_crcs(data), strict=True)
    return b"".join(chain.from_iterable(parts))


def _masked_crcs(data: list[bytes]) -> list[bytes]:
    crcs = np.fromiter(map(google_crc32c.value, data), "<u4", len(data))
    masked = ((crcs >> 15) | (crcs << 17)) + np.uint32(0xA282EAD8)
    joined = masked.astype("<u4").tobytes()
    return [joined[n : n + 4] for n in range(0, len(joined), 4)]


def encode_examples(batch: pa.RecordBatch) -> list[bytes]:
    """Serialized tf.Examples of a batch, one a row; string columns become bytes."""
    columns = [
        column.cast(_BYTES) if column.type in _AS_BYTES else column for column in batch.columns
    ]
    batch = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    return example_coder.RecordBatchToExamples(batch)


def split_pattern(uri: str, split: str) -> str:
    """The file pattern of one split of a TFX Examples artifact."""
    return f"{uri}/Split-{split}/*"
