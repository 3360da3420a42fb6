"""Columns as a model of losses takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..list_columns import first_values
from .sampled_rows import SampledRows

_MOST_VALUES = 50
_LEAST_ROWS = 20


@dataclass(frozen=True)
class LossInputs:
    """``columns``: name -> the values of a category that have numbers, None of a number."""

    columns: dict[str, pa.Array | None]

    @staticmethod
    def of(rows: SampledRows, names: Sequence[str]) -> LossInputs:
        """Of the columns ``names`` those that hold one number or one frequent value a row."""
        columns: dict[str, pa.Array | None] = {}
        for name in names:
            if name not in rows.batch.schema.names:
                continue
            lists = rows.batch.column(name)
            values = first_values(lists)
            if pa.types.is_null(values.type) or (pc.max(lists.value_lengths()).as_py() or 0) > 1:
                continue
            if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
                columns[name] = None
            elif len(frequent := _frequent(values)):
                columns[name] = frequent
        return LossInputs(columns)

    @property
    def categorical(self) -> list[int]:
        return [i for i, values in enumerate(self.columns.values(), 1) if values is not None]

    def encode(self, rows: SampledRows) -> np.ndarray:
        """The prediction, then the columns, float64 [n, d]; NaN is missing or rare."""
        made = [rows.predictions]
        for name, frequent in self.columns.items():
            if name not in rows.batch.schema.names:
                made.append(np.full(len(rows), np.nan))
                continue
            values = first_values(rows.batch.column(name))
            if frequent is not None:
                values = pc.index_in(values.cast(frequent.type), frequent)
            numbers = values.cast(pa.float64(), safe=False)
            made.append(numbers.to_numpy(zero_copy_only=False))
        return np.where(np.isfinite(matrix := np.column_stack(made)), matrix, np.nan)


def _frequent(values: pa.Array) -> pa.Array:
    counted = pc.value_counts(values.drop_null())
    found, counts = counted.field(0), counted.field(1).to_numpy()
    order = np.argsort(-counts, kind="stable")[:_MOST_VALUES]
    return found.take(pa.array(order[counts[order] >= _LEAST_ROWS]))
