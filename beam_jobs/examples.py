"""tf.Examples in TFRecord files, as Arrow record batches.

Columns follow tfx-bsl: each is a list column (``list<large_binary>``, ``list<int64>`` or
``list<float>``), one list a row, null where the row lacks the feature.
"""

from __future__ import annotations

import apache_beam as beam
import pyarrow as pa
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
    """Writes record batches as gzipped TFRecords ``<split_uri>/data_tfrecord-*.gz``."""

    def __init__(self, split_uri: str):
        super().__init__()
        self._split_uri = split_uri

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return (
            batches
            | "Encode" >> beam.FlatMap(encode_examples)
            | "Write"
            >> beam.io.WriteToTFRecord(f"{self._split_uri}/data_tfrecord", file_name_suffix=".gz")
        )


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
