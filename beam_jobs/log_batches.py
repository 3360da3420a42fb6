"""Rows of a log as Arrow record batches, with the same columns' types in every batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from .examples import BATCH_ROWS
from .ingest_account import COUNTS
from .ingest_config import FIXED_COLUMNS, Kind
from .log_values import cast, widest

_ARROW = {
    "int": pa.list_(pa.int64()),
    "float": pa.list_(pa.float32()),
    "string": pa.list_(pa.large_binary()),
}


def resolve_kinds(found: Iterable[tuple[str, Kind]], declared: Mapping[str, Kind]) -> dict:
    """Each column's kind, by name: fixed or declared, otherwise the widest found."""
    kinds: dict[str, Kind] = {}
    for name, kind in found:
        kinds[name] = widest((kind, kinds.get(name, kind)))
    return dict(sorted({**kinds, **declared, **FIXED_COLUMNS}.items()))


def to_batch(rows: list[Mapping[str, Any]], kinds: Mapping[str, Kind]) -> pa.RecordBatch:
    """Columns in the order of ``kinds``, without those that no row has a value for."""
    columns = {name: [row.get(name) for row in rows] for name in kinds}
    arrays = {
        name: pa.array([_listed(value, kinds[name]) for value in values], _ARROW[kinds[name]])
        for name, values in columns.items()
        if any(value is not None for value in values)
    }
    return pa.RecordBatch.from_arrays(list(arrays.values()), list(arrays))


def _listed(value: Any, kind: Kind) -> list | None:
    if value is None:
        return None
    return [cast(x, kind) for x in value] if type(value) is list else [cast(value, kind)]


class BatchRows(beam.DoFn):
    """Rows (name to scalar or list) to record batches; counts the rows it hands on.

    Side input ``kinds``: of ``resolve_kinds``.
    """

    def __init__(self, counted_as: str):
        self._counted_as = counted_as

    def start_bundle(self) -> None:
        self._rows, self._written = [], 0

    def process(self, row: dict, kinds: dict) -> Iterator[pa.RecordBatch]:
        self._kinds = kinds
        self._rows.append(row)
        if len(self._rows) >= BATCH_ROWS:
            yield self._batch()

    def finish_bundle(self):
        if self._rows:
            yield GlobalWindows.windowed_value(self._batch())
        counts = Counter({("count", self._counted_as): self._written})
        yield TaggedOutput(COUNTS, GlobalWindows.windowed_value(counts))

    def _batch(self) -> pa.RecordBatch:
        batch = to_batch(self._rows, self._kinds)
        self._rows, self._written = [], self._written + batch.num_rows
        return batch
