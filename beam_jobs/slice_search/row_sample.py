"""A uniform random sample of rows with their losses, by which samples of parts can be merged."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tfx_bsl.arrow.table_util import MergeRecordBatches, RecordBatchTake


@dataclass
class Sample:
    """Of ``seen`` rows those with the lowest priorities: columns, losses and priorities [n]."""

    seen: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)
    losses: list[np.ndarray] = field(default_factory=list)
    priorities: list[np.ndarray] = field(default_factory=list)

    @property
    def held(self) -> int:
        return sum(map(len, self.losses))

    def add(self, batch: pa.RecordBatch, losses: np.ndarray) -> None:
        """The same rows have the same priorities, however they are spread over workers."""
        generator = np.random.default_rng(zlib.crc32(losses.tobytes()))
        self.seen += len(losses)
        self._append(batch, losses, generator.random(len(losses)))

    def merge(self, other: Sample) -> None:
        self.seen += other.seen
        for part in zip(other.batches, other.losses, other.priorities, strict=True):
            self._append(*part)

    def shrink(self, most: int) -> None:
        """Keeps the ``most`` rows with the lowest priorities."""
        if self.held <= most:
            return
        bound = np.partition(np.concatenate(self.priorities), most)[most]
        parts = list(zip(self.batches, self.losses, self.priorities, strict=True))
        self.batches, self.losses, self.priorities = [], [], []
        for batch, losses, priorities in parts:
            kept = np.flatnonzero(priorities < bound)
            if kept.size:
                taken = RecordBatchTake(batch, pa.array(kept))
                self._append(taken, losses[kept], priorities[kept])

    def rows(self) -> tuple[pa.RecordBatch, np.ndarray]:
        """All columns and losses; a column that some batches lack is null there."""
        return MergeRecordBatches(self.batches), np.concatenate(self.losses)

    def _append(self, batch: pa.RecordBatch, losses: np.ndarray, priorities: np.ndarray) -> None:
        self.batches.append(batch)
        self.losses.append(losses)
        self.priorities.append(priorities)


class SampleRows(beam.CombineFn):
    """Samples ``most`` rows of (record batch, losses [n]) pairs."""

    def __init__(self, most: int):
        self._most = most

    def create_accumulator(self) -> Sample:
        return Sample()

    def add_input(self, sample: Sample, element: tuple[pa.RecordBatch, np.ndarray]) -> Sample:
        sample.add(*element)
        if sample.held > 2 * self._most:
            sample.shrink(self._most)
        return sample

    def merge_accumulators(self, samples: Iterable[Sample]) -> Sample:
        merged = Sample()
        for sample in samples:
            merged.merge(sample)
            merged.shrink(self._most)
        return merged

    def extract_output(self, sample: Sample) -> Sample:
        sample.shrink(self._most)
        return sample
