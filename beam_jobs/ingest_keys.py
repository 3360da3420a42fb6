"""What is shuffled of logs and ground truth: keys and places, never rows, as Arrow batches."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

CALLS, ANSWERS, LABELS = "calls", "answers", "labels"
INDEX, CHOSEN, JOINED, REFUSED = "index", "chosen", "joined", "refused"
_PLACE = [("file", pa.int32()), ("unit", pa.int32()), ("number", pa.int32())]
_WHEN = [("id", pa.string()), ("time", pa.int64()), ("digest", pa.uint32())]

SCHEMAS = {
    kind: pa.schema(fields)
    for kind, fields in {
        # A call: rows first_row, first_row + 1, ...; answered: its own record holds predictions.
        CALLS: [
            *_WHEN,
            *_PLACE,
            ("first_row", pa.int64()),
            ("length", pa.int32()),
            ("anonymous", pa.bool_()),
            ("answered", pa.bool_()),
        ],
        # A response: length predictions; answer is packed, see ingest_scan.
        ANSWERS: [*_WHEN, *_PLACE, ("length", pa.int32()), ("answer", pa.binary())],
        LABELS: [*_WHEN, ("file", pa.int32()), ("row", pa.int64()), ("values", pa.binary())],
        # A file of a unit, the numbers of its first call and its first record there, and what
        # FileChecks say of it.
        INDEX: [
            ("file", pa.int32()),
            ("call", pa.int32()),
            ("record", pa.int32()),
            ("records", pa.int64()),
            ("digest", pa.int64()),
        ],
        # A call whose rows are needed: for the serving split, or for labels, or both.
        CHOSEN: [
            ("number", pa.int32()),
            ("serving", pa.bool_()),
            ("leads", pa.bool_()),
            ("answer", pa.binary()),
        ],
        # A label and the row of the call that it belongs to, counted from the call's first.
        JOINED: [
            ("number", pa.int32()),
            ("row", pa.int64()),
            ("time", pa.int64()),
            ("file", pa.int32()),
            ("corrects", pa.bool_()),
            ("values", pa.binary()),
        ],
        # A call, or a response, that does not fit together.
        REFUSED: [("number", pa.int32()), ("is_call", pa.bool_()), ("reason", pa.string())],
    }.items()
}
"""``time`` is in microseconds since the epoch; ``number`` counts a unit's calls; of responses, and
of refused ones, its records."""

Packed = tuple[str, int, bytes]
"""Kind, size and zstd of a serialized batch: runners keep in memory what they shuffle."""
_CODEC = "zstd"


def pack(kind: str, columns: Mapping[str, object]) -> Packed:
    schema = SCHEMAS[kind]
    arrays = [
        values if isinstance(values, pa.Array) else pa.array(values, field.type)
        for field, values in ((field, columns[field.name]) for field in schema)
    ]
    batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
    data = batch.serialize()
    return kind, data.size, pa.compress(data, _CODEC, asbytes=True)


def unpack(packed: Iterable[Packed]) -> dict[str, pa.Table]:
    """A table of each kind, empty where there is nothing of it."""
    batches: dict[str, list[pa.RecordBatch]] = {kind: [] for kind in SCHEMAS}
    for kind, size, data in packed:
        data = pa.decompress(data, size, _CODEC)
        batches[kind].append(pa.ipc.read_record_batch(data, SCHEMAS[kind]))
    return {
        kind: pa.Table.from_batches(found, SCHEMAS[kind]).combine_chunks()
        for kind, found in batches.items()
    }


def partition(
    kind: str, columns: Mapping[str, np.ndarray | list], partitions: int
) -> Iterator[tuple[int, Packed]]:
    """Rows of ``columns`` by their ids."""
    ids = columns["id"]
    if not len(ids):
        return
    parts = np.fromiter((zlib.crc32(x.encode()) for x in ids), np.uint32, len(ids)) % partitions
    arrays = {name: np.asarray(values) for name, values in columns.items()}
    for part, places in places_by(parts):
        yield part, pack(kind, {name: values[places] for name, values in arrays.items()})


def places_by(values: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each distinct value, and the places where it stands."""
    order = np.argsort(values, kind="stable")
    edges = np.flatnonzero(np.diff(values[order])) + 1
    for places in np.split(order, edges):
        if len(places):
            yield int(values[places[0]]), places
