"""Every job accounts for its records, and fails when the account does not balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import apache_beam as beam


class AccountError(RuntimeError):
    """Records went missing or came twice between a job's input and its output."""


def check_identity(counts: Mapping[str, int], whole: str, parts: Iterable[str]) -> None:
    """Raises AccountError unless ``counts[whole]`` is the sum of ``counts`` over ``parts``."""
    parts = list(parts)
    total = sum(counts.get(part, 0) for part in parts)
    if counts.get(whole, 0) != total:
        detail = " + ".join(f"{part}={counts.get(part, 0)}" for part in parts)
        raise AccountError(f"{whole}={counts.get(whole, 0)} but {detail} is {total}")


class SumCounts(beam.CombineFn):
    """Sums Counters (any mapping of name to int); the empty sum is an empty Counter."""

    def create_accumulator(self) -> Counter:
        return Counter()

    def add_input(self, accumulator: Counter, element: Mapping[str, int]) -> Counter:
        accumulator.update(element)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Counter]) -> Counter:
        total = Counter()
        for accumulator in accumulators:
            total.update(accumulator)
        return total

    def extract_output(self, accumulator: Counter) -> Counter:
        return accumulator
