"""A sample of rows of ``SelectEstimated``, as arrays and as slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ..evaluation_config import EvaluationConfig
from ..evaluation_rows import slice_values
from ..list_columns import first_values
from ..metrics.memberships import SliceKey, SliceSpec, memberships
from ..slice_search.row_sample import Sample
from .estimated_rows import EVENT_TIME

MOST_ROWS = 20_000


@dataclass(frozen=True)
class SampledRows:
    """``labels``, ``predictions`` and ``times``: float64 [n], NaN where there is none."""

    batch: pa.RecordBatch
    labels: np.ndarray
    predictions: np.ndarray
    times: np.ndarray

    def __len__(self) -> int:
        return self.batch.num_rows

    def slices(self, specs: Sequence[SliceSpec]) -> dict[SliceKey, np.ndarray]:
        """The rows of each slice, bool [n]."""
        everywhere = np.ones(len(self), bool)
        columns = {
            name: values
            for name in {name for spec in specs for name in spec.features}
            if (values := slice_values(self.batch, name, everywhere)) is not None
        }
        sliced = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
        found: dict[SliceKey, np.ndarray] = {(): everywhere}
        for membership in memberships(sliced, specs) if columns else ():
            places = np.arange(len(self)) if membership.rows is None else membership.rows
            for code, key in enumerate(membership.keys):
                found[key] = np.zeros(len(self), bool)
                found[key][places[membership.codes == code]] = True
        return found


def sampled_rows(sample: Sample, config: EvaluationConfig, prediction: str) -> SampledRows | None:
    """None of a sample without rows."""
    if not sample.held:
        return None
    batch, _ = sample.rows()
    labels, predictions, times = (
        first_values(batch.column(name)).to_numpy(zero_copy_only=False)
        for name in (config.label, prediction, EVENT_TIME)
    )
    return SampledRows(batch, labels, predictions, times)
