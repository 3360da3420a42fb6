"""Tables without drift, and tables with drift of one known kind.

``columns``: a table of 24 kinds of columns. ``requests``: what a model was asked, with its
predictions and their labels, after one of ``CHANGES``. Both are drawn anew for each generator; two
tables without a change are of one distribution.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute

Generator = np.random.Generator
Column = Callable[[Generator, int], np.ndarray | pa.Array]

WEEK = 7 * 24 * 3600
MONDAY = 1_767_571_200  # 5 January 2026, in seconds
WORDS = [f"word{i}" for i in range(2000)]


def _weights(values: int, exponent: float = 1.0) -> np.ndarray:
    """Zipf's: the k-th of so many categories has a share as 1 / k ** exponent."""
    shares = 1 / np.arange(1, values + 1) ** exponent
    return shares / shares.sum()


def _coded(codes: np.ndarray, names: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), names).cast(pa.string())


def categories(random: Generator, n: int, shares: np.ndarray) -> pa.Array:
    codes = random.choice(len(shares), n, p=shares)
    return _coded(codes, [f"c{i}" for i in range(len(shares))])


def missing(random: Generator, values: np.ndarray | pa.Array, share: float) -> pa.Array:
    """``values`` without such a share of them."""
    array = values if isinstance(values, pa.Array) else pa.array(values)
    gone = pa.array(random.random(len(array)) < share)
    return pa.compute.if_else(gone, pa.scalar(None, array.type), array)


def _texts(random: Generator, n: int) -> list[str]:
    words = random.choice(len(WORDS), (n, 8), p=_weights(len(WORDS)))
    return [" ".join([WORDS[w] for w in row]) for row in words]


def _bimodal(random: Generator, n: int) -> np.ndarray:
    return random.normal(np.where(random.random(n) < 0.3, 4.0, 0.0), 0.5)


def _zero_inflated(random: Generator, n: int) -> np.ndarray:
    return np.where(random.random(n) < 0.7, 0.0, random.gamma(2.0, 3.0, n))


COLUMNS: dict[str, Column] = {
    "normal": lambda random, n: random.normal(size=n),
    "log_normal": lambda random, n: random.lognormal(0, 2, n),
    "cauchy": lambda random, n: random.standard_cauchy(n),
    "uniform": lambda random, n: random.random(n),
    "exponential": lambda random, n: random.exponential(5.0, n),
    "bimodal": _bimodal,
    "zero_inflated": _zero_inflated,
    "constant": lambda random, n: np.full(n, 7.5),
    "integer_codes": lambda random, n: random.choice(20, n, p=_weights(20)),
    "counts": lambda random, n: random.poisson(3.0, n),
    "uniform_ids": lambda random, n: random.integers(0, 2**40, n),
    "timestamps": lambda random, n: MONDAY + random.integers(0, WEEK, n),
    "censored": lambda random, n: np.minimum(random.exponential(5.0, n), 10.0),
    "rounded": lambda random, n: np.round(random.lognormal(2, 0.6, n) * 4) / 4,
    "sparse": lambda random, n: missing(random, random.normal(size=n), 0.97),
    "some_missing": lambda random, n: missing(random, random.normal(size=n), 0.2),
    "categories_2": lambda random, n: categories(random, n, np.array([0.85, 0.15])),
    "categories_10": lambda random, n: categories(random, n, _weights(10)),
    "categories_100": lambda random, n: categories(random, n, _weights(100)),
    "categories_1000": lambda random, n: categories(random, n, _weights(1000)),
    "categories_5000": lambda random, n: categories(random, n, _weights(5000, 0.7)),
    "sparse_categories": lambda random, n: missing(
        random, categories(random, n, _weights(30)), 0.9
    ),
    "string_ids": lambda random, n: pa.array(random.integers(0, 2**60, n)).cast(pa.string()),
    "texts": _texts,
}


def columns(random: Generator, n: int) -> pa.Table:
    """``n`` rows of every kind of column, independent of each other."""
    return pa.table({name: column(random, n) for name, column in COLUMNS.items()})


def _times(random: Generator, n: int) -> np.ndarray:
    """Ascending, within an hour, in microseconds."""
    return MONDAY * 1_000_000 + np.sort(random.integers(0, 3_600_000_000, n))


COMPANIES, AREAS, REGIONS = 20, 100, 20
CORRELATION = 0.6
SLICE = "r7"


def requests(random: Generator, n: int, change: str | None = None) -> pa.Table:
    """``n`` requests in an hour, two thirds with a positive label.

    Args:
      random: draws the rows.
      n: rows.
      change: one of ``CHANGES``.
    """
    amount = random.normal(size=n)
    if change == "tail fattened":  # a tenth of the values three times as far out, same variance
        amount *= np.where(random.random(n) < 0.1, 3.0, 1.0) / np.sqrt(0.9 + 0.1 * 9)
    if change == "scale x 1.5":
        amount *= 1.5
    for shift in (0.1, 0.25, 0.5):
        if change == f"mean + {shift:g} sd":
            amount += shift
    load, other = random.normal(size=(2, n))
    correlation = -CORRELATION if change == "correlation flipped" else CORRELATION
    speed = correlation * load + np.sqrt(1 - CORRELATION**2) * other
    region = _coded(random.integers(0, REGIONS, n), [f"r{i}" for i in range(REGIONS)])
    if change == "one slice of 5 %":
        amount += (region.to_numpy(zero_copy_only=False) == SLICE).astype(float)

    shares = _weights(COMPANIES)
    if change == "5 % of categories moved":
        shares = shares + 0.05 * np.eye(COMPANIES)[4] - 0.05 * np.eye(COMPANIES)[0]
    company = categories(random, n, shares)
    if change == "2 % new category":
        new = pa.array(random.random(n) < 0.02)
        company = pa.compute.if_else(new, pa.scalar("new"), company)

    score = 0.7 + amount + 0.8 * load
    truth = 0.7 + amount - 0.8 * load if change == "label function changed" else score
    prediction = 1 / (1 + np.exp(-score))
    label = (random.random(n) < 1 / (1 + np.exp(-truth))).astype(np.int64)
    if change == "5 % gone missing":
        amount = missing(random, amount, 0.05)
    return pa.table(
        {
            "log_event_time": _times(random, n),
            "amount": amount,
            "load": load,
            "speed": speed,
            "distance": random.lognormal(1, 1, n),
            "visits": random.poisson(3.0, n),
            "paid": _zero_inflated(random, n),
            "company": company,
            "area": categories(random, n, _weights(AREAS)),
            "region": region,
            "prediction": prediction,
            "label": label,
        }
    )


CHANGES = (
    "mean + 0.1 sd",
    "mean + 0.25 sd",
    "mean + 0.5 sd",
    "scale x 1.5",
    "5 % of categories moved",
    "2 % new category",
    "5 % gone missing",
    "tail fattened",
    "correlation flipped",
    "label function changed",
    "one slice of 5 %",
)
