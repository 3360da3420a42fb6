"""Columns as small gradient-boosted trees take them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .list_columns import first_values, is_list

_MOST_VALUES = 50
_LEAST_ROWS = 20


@dataclass(frozen=True)
class TreeInputs:
    """``columns``: name -> the values of a category that have numbers, None of a number."""

    columns: dict[str, pa.Array | None]

    @staticmethod
    def of(rows: pa.RecordBatch, names: Sequence[str]) -> TreeInputs:
        """Of the columns ``names`` those that hold one number or one frequent value a row."""
        columns: dict[str, pa.Array | None] = {}
        for name in names:
            if name not in rows.schema.names:
                continue
            column = rows.column(name)
            values = first_values(column)
            if pa.types.is_null(values.type) or _longest(column) > 1:
                continue
            if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
                columns[name] = None
            elif len(frequent := _frequent(values)):
                columns[name] = frequent
        return TreeInputs(columns)

    @property
    def categorical(self) -> list[int]:
        return [i for i, values in enumerate(self.columns.values()) if values is not None]

    def encode(self, rows: pa.RecordBatch) -> np.ndarray:
        """The columns, float64 [n, d]; NaN is missing or rare."""
        made = [np.empty((rows.num_rows, 0))]
        for name, frequent in self.columns.items():
            if name not in rows.schema.names:
                made.append(np.full(rows.num_rows, np.nan))
                continue
            values = first_values(rows.column(name))
            if frequent is not None:
                values = pc.index_in(values.cast(frequent.type), frequent)
            numbers = values.cast(pa.float64(), safe=False)
            made.append(numbers.to_numpy(zero_copy_only=False))
        return np.where(np.isfinite(matrix := np.column_stack(made)), matrix, np.nan)


def one_thread() -> AbstractContextManager:
    """Threads gain little on so few rows, and wait busily where other work keeps cores busy."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "openmp")


def _longest(column: pa.Array) -> int:
    return (pc.max(column.value_lengths()).as_py() or 0) if is_list(column.type) else 1


def _frequent(values: pa.Array) -> pa.Array:
    counted = pc.value_counts(values.drop_null())
    found, counts = counted.field(0), counted.field(1).to_numpy()
    order = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
    return found.take(pa.array(order[counts[order] >= _LEAST_ROWS]))
