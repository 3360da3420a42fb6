"""Which format a log is of, told from its first records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from apache_beam.io.filesystem import FileMetadata

from .ingest_config import FieldNames, Format, IngestConfig
from .ingest_records import reader
from .log_containers.contract import Extent
from .log_containers.detect import container_of
from .log_formats.cloud_events import event_headers, is_event
from .log_formats.contract import json_object
from .log_values import Malformed

FIRST_RECORDS, FIRST_FILES = 20, 100
_BY_CONTAINER: dict[str, Format] = {
    "json": "json_lines",
    "csv": "csv",
    "parquet": "parquet",
    "avro": "avro",
}


class UnknownFormat(ValueError):
    """The first records are of no format that is known, or of several."""


def recognised(config: IngestConfig, files: Sequence[FileMetadata]) -> IngestConfig:
    """``config`` with the format of ``files`` in place of ``auto``.

    Raises:
      UnknownFormat: names the files.
    """
    if config.format != "auto":
        return config
    found: dict[Format, str] = {}
    for file in files[:FIRST_FILES]:
        if (seen := _of_file(file, config)) is not None:
            found.setdefault(seen, file.path)
    if len(found) > 1:
        listed = ", ".join(f"{name} ({path})" for name, path in found.items())
        raise UnknownFormat(f"the logs are of several formats: {listed}; read one at a time")
    if not found:
        raise UnknownFormat(
            f"no record at the beginning of {files[0].path}"
            f"{' or the files after it' if len(files) > 1 else ''} is of a format that is known; "
            "name the format, and for plain records the keys in 'fields'"
        )
    (name,) = found
    return config.model_copy(update={"format": name})


def _of_file(file: FileMetadata, config: IngestConfig) -> Format | None:
    whole = Extent(0, file.path, 0, file.size_in_bytes, file.size_in_bytes)
    container = container_of(whole, "auto")
    if container == "tfrecord":
        return "prediction_log"
    seen = (of_record(x, container, config.fields) for x in _first_records(whole, config))
    return next((name for name in seen if name), None)


def _first_records(extent: Extent, config: IngestConfig) -> Iterator[dict]:
    records = (x for chunk in reader(config)(extent) for x in chunk.records)
    for record in islice(records, FIRST_RECORDS):
        try:
            yield json_object(record)
        except Malformed:
            continue


def of_record(record: dict, container: str, fields: FieldNames) -> Format | None:
    """The format that ``record`` bears the marks of."""
    keys = {key.lower() for key in record}
    if "capturedata" in keys:
        return "sagemaker"
    if {"request_payload", "response_payload"} <= keys:
        return "vertex_ai"
    if {"reqtype", "bytes"} <= keys:
        return "kserve"
    if is_event(record):
        attributes = record if "specversion" in record else event_headers(record["headers"])
        is_seldon = str(attributes.get("type")).startswith("io.seldon.")
        return "open_inference" if is_seldon else "kserve"
    if {fields.request_id, fields.event_time} <= record.keys():
        return _BY_CONTAINER[container]
    if keys & {"inputs", "outputs"} or {"request", "response"} <= keys:
        return "open_inference"
    return None
