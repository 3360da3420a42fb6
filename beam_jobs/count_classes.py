"""The job that counts equivalence classes of treated rows, for ``privacy_risk``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import apache_beam as beam
import numpy as np
import pyarrow as pa

from .privacy_measures import ALONE, CLASS, DISTINCT, NAMED, Measure
from .privacy_policy import PrivacyConfig
from .row_classes import CLASSES, VALUES, WITHOUT, Tables, class_tables, merged

_NAMED_CLASSES = 10
_PENDING_CLASSES = 1 << 16


def measures_risk(config: PrivacyConfig) -> bool:
    """Whether a rule of the policy has the role ``quasi_identifier``."""
    return any(method.role == "quasi_identifier" for method in config.methods)


class CountClasses(beam.PTransform):
    """Treated record batches of a split to counts that ``split_risks`` reads.

    It holds a few dozen bytes for each class and quasi-identifier, spread over 32 keys.
    """

    def __init__(self, config: PrivacyConfig, split: str):
        super().__init__()
        self._config = config
        self._split = split

    def expand(self, batches: beam.PCollection) -> beam.PCollection:
        return (
            batches
            | "Classes" >> beam.ParDo(_ClassesOfBatch(self._config))
            | "Merge" >> beam.CombinePerKey(MergeClasses())
            | "Tables" >> beam.Values()
            | "Count" >> beam.Map(class_counts, self._split, self._config.min_group_rows)
        )


class RiskCounter:
    """The same without Beam, batch after batch."""

    def __init__(self, config: PrivacyConfig, split: str):
        self._classes = _ClassesOfBatch(config)
        self._split, self._floor = split, config.min_group_rows
        self._merge = MergeClasses()
        self._buckets = defaultdict(self._merge.create_accumulator)

    def add(self, batch: pa.RecordBatch) -> None:
        for bucket, tables in self._classes.process(batch):
            self._buckets[bucket] = self._merge.add_input(self._buckets[bucket], tables)

    def counts(self) -> Counter[Measure]:
        total: Counter[Measure] = Counter()
        for accumulator in self._buckets.values():
            tables = self._merge.extract_output(accumulator)
            total.update(class_counts(tables, self._split, self._floor))
        return total


class _ClassesOfBatch(beam.DoFn):
    def __init__(self, config: PrivacyConfig):
        self._config = config

    def process(self, batch: pa.RecordBatch) -> Iterable[tuple[int, Tables]]:
        roles = defaultdict(list)
        for name in batch.schema.names:
            method = self._config.method_of(name)
            roles[method and method.role].append(name)
        return class_tables(batch, roles["quasi_identifier"], roles["sensitive"])


class MergeClasses(beam.CombineFn):
    """Merges the tables of one bucket; many at a time, so that each row is sorted few times."""

    def create_accumulator(self) -> list[Tables]:
        return []

    def add_input(self, accumulator: list[Tables], element: Tables) -> list[Tables]:
        accumulator.append(element)
        done, *pending = [len(tables[CLASSES, ""].keys) for tables in accumulator]
        return (
            self.compact(accumulator) if sum(pending) > max(done, _PENDING_CLASSES) else accumulator
        )

    def merge_accumulators(self, accumulators: Iterable[list[Tables]]) -> list[Tables]:
        return self.compact([tables for accumulator in accumulators for tables in accumulator])

    def compact(self, accumulator: list[Tables]) -> list[Tables]:
        return [merged(accumulator)] if len(accumulator) > 1 else accumulator

    def extract_output(self, accumulator: list[Tables]) -> Tables:
        return merged(accumulator)


def class_counts(tables: Tables, split: str, floor: int) -> Counter[Measure]:
    """Classes by their size and by their distinct sensitive values, and what names the smallest
    of those that may be named."""
    counts: Counter[Measure] = Counter()
    for (kind, field), found in tables.items():
        if kind == WITHOUT:
            counts[Measure(split, ALONE, field)] = int((found.rows == 1).sum())
            continue
        if kind == VALUES:
            of_class = np.unique(found.about.to_numpy(), return_counts=True)[1]
            name, sizes = DISTINCT, of_class
        else:
            name, sizes = CLASS, found.rows
            large = np.flatnonzero(sizes >= floor)
            for place in large[np.argsort(sizes[large], kind="stable")][:_NAMED_CLASSES]:
                words = found.about[int(place)].as_py()
                counts[Measure(split, NAMED, words, str(sizes[place]))] = 1
        for size, classes in zip(*np.unique(sizes, return_counts=True), strict=True):
            counts[Measure(split, name, field, str(size))] = int(classes)
    return counts
