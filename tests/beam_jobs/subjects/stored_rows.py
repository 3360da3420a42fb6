"""Files of rows of several people, as the pipeline stores them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import tensorflow as tf
from tfx_vigil.beam_jobs.examples import encode_examples
from tfx_vigil.beam_jobs.privacy_batch import BatchTreatment, load_keys
from tfx_vigil.beam_jobs.privacy_policy import PrivacyConfig

BYTES = pa.large_list(pa.large_binary())
FIELDS = {
    "rider": {"method": "hmac", "role": "subject_id"},
    "driver": {"method": "hmac", "encoding": "base32", "role": "subject_id"},
    "referrer": {"method": "hmac"},
}


def policy(keyset_path, **given):
    given = {"fields": FIELDS, "domain": "rides", "default": "keep"} | given
    return PrivacyConfig(keyset=str(keyset_path), **given)


def batch(**columns):
    """Columns of bytes, ints or floats; a value a row, None for a lacking feature, or a list."""
    arrays = []
    for values in columns.values():
        lists = [v if isinstance(v, list | None) else [v] for v in values]
        kinds = {type(x) for v in lists if v for x in v}
        kind = pa.int64() if kinds == {int} else pa.float32() if kinds == {float} else None
        arrays.append(pa.array(lists, pa.large_list(kind) if kind else BYTES))
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def treat(config, rows, version=1):
    return BatchTreatment(config, "labelled", load_keys(config, version)).treat(rows)[0]


def write(path, *batches):
    """Writes batches as a TFRecord file, gzip where the name says so."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else "") as writer:
        for rows in batches:
            for example in encode_examples(rows):
                writer.write(example)
    return str(path)


def read(path):
    """The serialized rows of a file, as TensorFlow reads it."""
    kind = "GZIP" if str(path).endswith(".gz") else ""
    return list(tf.data.TFRecordDataset(str(path), kind).as_numpy_iterator())


def parsed(rows):
    return [tf.train.Example.FromString(row) for row in rows]
