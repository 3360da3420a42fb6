"""The annotations of a TFMD schema: which features somebody tagged as what."""

from __future__ import annotations

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2


def read_tags(path: str) -> dict[str, frozenset[str]]:
    """The tags (``feature.annotation.tag``) of each feature that has any.

    Args:
      path: a schema.pbtxt on any filesystem Beam knows.

    Raises:
      ValueError: the file cannot be read or is no schema.pbtxt.
    """
    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as f:
            schema = text_format.Parse(f.read().decode(), schema_pb2.Schema())
    except (OSError, BeamIOError, UnicodeDecodeError) as error:
        raise ValueError(f"privacy.schema_file {path} cannot be read: {error}") from error
    except text_format.ParseError as error:
        raise ValueError(f"privacy.schema_file {path} is no schema.pbtxt: {error}") from error
    tagged = {feature.name: frozenset(feature.annotation.tag) for feature in schema.feature}
    return {name: tags for name, tags in tagged.items() if tags}
