"""Sums over rows: weighted products of quantities, and linear combinations of them.

Every metric that is a smooth function of averages over rows needs from a slice only such sums: of
degree one for its value, of degree two for its variance, three for its skewness. They add up
over batches and workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from .quantities import Quantity, Rows

Factors = tuple[Quantity, ...]


@dataclass(frozen=True, order=True)
class Sum:
    """The sum over rows of ``weight ** power`` times the product of ``factors``."""

    power: int
    factors: Factors

    def of_rows(self, rows: Rows, made: dict[Sum, np.ndarray]) -> np.ndarray:
        """Its summands, float64 [n]; ``made`` keeps those of its parts."""
        if self not in made:
            if not self.factors:
                made[self] = np.ones(len(rows)) if not self.power else rows.weights**self.power
            else:
                *rest, last = self.factors
                values = rows.quantity(last)
                if rest or self.power:
                    values = Sum(self.power, tuple(rest)).of_rows(rows, made) * values
                made[self] = values
        return made[self]


def _product(factors: Iterable[Quantity]) -> Factors:
    """Sorted, an indicator once."""
    kept: list[Quantity] = []
    for factor in sorted(factors):
        if not (factor.is_indicator and factor in kept):
            kept.append(factor)
    return tuple(kept)


@dataclass(frozen=True)
class Linear:
    """A linear combination of products of quantities: a random variable of a row."""

    terms: tuple[tuple[Factors, float], ...]

    @staticmethod
    def of(*factors: Quantity) -> Linear:
        """The product of ``factors``; 1 without any."""
        return Linear(((_product(factors), 1.0),))

    def __add__(self, other: Linear) -> Linear:
        total = dict(self.terms)
        for factors, coefficient in other.terms:
            total[factors] = total.get(factors, 0.0) + coefficient
        return Linear(tuple((factors, c) for factors, c in total.items() if c))

    def __rmul__(self, number: float) -> Linear:
        return Linear(tuple((factors, number * c) for factors, c in self.terms))

    def __sub__(self, other: Linear) -> Linear:
        return self + -1 * other

    def __mul__(self, other: Linear) -> Linear:
        total = Linear(())
        for (left, a), (right, b) in product(self.terms, other.terms):
            total += Linear(((_product(left + right), a * b),))
        return total

    def sums(self, power: int) -> Iterator[Sum]:
        """What to sum to know its total with weights to ``power``."""
        return (Sum(power, factors) for factors, _ in self.terms)

    def total(self, sums: Mapping[Sum, np.ndarray], power: int) -> np.ndarray:
        """Its sum over the rows of each slice, float64 [slices]."""
        return sum(c * sums[Sum(power, factors)] for factors, c in self.terms)


ONE = Linear.of()
