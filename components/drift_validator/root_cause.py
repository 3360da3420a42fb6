"""How much of a change of the mean prediction each input explains.

A decomposition after Oaxaca (1973) and Blinder (1973): on the baseline's rows the prediction is
regressed on all inputs at once, each cut into bins, numbers at quantiles and categories by value.
An input then explains what its new shares of bins change in that regression with all else as it
was; what the regression does not tell is left as unexplained. Taking all inputs at once, an input
that merely goes along with another is given none of that one's part.

References: R. Oaxaca, Male-Female Wage Differentials in Urban Labor Markets, International Economic
Review 14, 1973; A. Blinder, Wage Discrimination, Journal of Human Resources 8, 1973; K. Budhathoki
et al., Why did the distribution change?, AISTATS 2021.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...beam_jobs.reports import Contribution, PredictionChange
from .row_values import as_texts, single_values

LEAST_ROWS = 50
_BINS = 20
_ROWS_A_BIN = 50
_COLUMNS = 800
_RIDGE = 1.0
_CLEARLY = 2.0


def prediction_change(
    baseline: pa.Table,
    current: pa.Table,
    prediction: str,
    inputs: Sequence[str],
    against: str,
    min_group_rows: int = 1,
) -> PredictionChange | None:
    """Takes the change of the mean prediction apart; of a category, of the one that moved most.

    Contributions come largest first, of every input, drifted or not.

    Args:
      baseline, current: samples of rows, one value each; further columns do no harm.
      prediction: a column of numbers, truth values or categories.
      inputs: columns to look at; those without a value in either table are left out.
      against: what the baseline is, for the report.
      min_group_rows: a predicted category of fewer rows is not named.

    Returns:
      None where a side has fewer than ``LEAST_ROWS`` predictions, or they are lists.
    """
    if prediction not in baseline.column_names or prediction not in current.column_names:
        return None
    sides = [table.filter(_known(table[prediction])) for table in (baseline, current)]
    if min(side.num_rows for side in sides) < LEAST_ROWS:
        return None
    outcome = _outcome(*(side[prediction] for side in sides), min_group_rows)
    if outcome is None:
        return None
    before, after, predicted = outcome
    cut = max(2, min(_BINS, len(before) // _ROWS_A_BIN, _COLUMNS // max(1, len(inputs))))
    binned = {
        name: both
        for name in inputs
        if name != prediction
        and all(name in side.column_names for side in sides)
        and (both := _binned(*(side[name] for side in sides), cut)) is not None
    }
    fitted = _fit(before, [both.baseline for both in binned.values()])
    contributions = [
        _contribution(name, fitted, i, both) for i, (name, both) in enumerate(binned.items())
    ]
    contributions.sort(key=lambda c: (-abs(c.change), c.feature))
    known = math.fsum(c.change for c in contributions)
    residuals = _residuals(before, after, fitted, list(binned.values()))
    return PredictionChange(
        against=against,
        baseline=before.mean(),
        current=after.mean(),
        error=_error(before, after),
        n_baseline=len(before),
        n_current=len(after),
        predicted=predicted,
        contributions=contributions,
        unexplained=after.mean() - before.mean() - known,
        unexplained_error=_error(*residuals),
    )


def is_clear(change: PredictionChange) -> bool:
    """Whether the change is large enough beside its standard error to be taken apart."""
    return abs(change.current - change.baseline) > _CLEARLY * change.error


def shares(change: PredictionChange) -> dict[str, tuple[float, float]]:
    """Each input's share of the change and its standard error; none where it is not clear."""
    if not is_clear(change):
        return {}
    whole = change.current - change.baseline
    return {
        c.feature: (
            c.change / whole,
            math.hypot(c.error, c.change / whole * change.error) / abs(whole),
        )
        for c in change.contributions
    }


@dataclass(frozen=True)
class _Binned:
    """The bin of each row, from 0; ``bins`` of them have rows in the baseline, in which later
    ones have none."""

    baseline: np.ndarray
    current: np.ndarray
    bins: int


@dataclass(frozen=True)
class _Fit:
    """``effects``: by input and bin, of mean zero over the baseline; ``covariance`` of all."""

    effects: list[np.ndarray]
    covariance: np.ndarray
    starts: list[int]


def _fit(outcome: np.ndarray, binned: Sequence[np.ndarray]) -> _Fit:
    """Least squares on centred indicators of bins, with a ridge of one row a bin.

    The covariance is that of the coefficients.
    """
    sizes = [int(bins.max()) + 1 for bins in binned]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int).tolist()
    design = np.zeros((len(outcome), starts[-1]))
    rows = np.arange(len(outcome))
    for bins, start in zip(binned, starts, strict=False):
        design[rows, start + bins] = 1.0
    design -= design.mean(axis=0)
    centred = outcome - outcome.mean()
    inverse = np.linalg.inv(design.T @ design + _RIDGE * np.eye(starts[-1]))
    effects = inverse @ (design.T @ centred)
    residual = centred - design @ effects
    variance = residual @ residual / max(1, len(outcome) - starts[-1])
    covariance = variance * inverse @ (design.T @ design) @ inverse
    parts = [effects[slice(*pair)] for pair in pairwise(starts)]
    levels = [np.mean(part[bins]) for part, bins in zip(parts, binned, strict=True)]
    return _Fit(
        [part - level for part, level in zip(parts, levels, strict=True)], covariance, starts
    )


def _contribution(name: str, fitted: _Fit, place: int, both: _Binned) -> Contribution:
    """A bin that the baseline does not have is taken to be like the baseline's mean."""
    effects = fitted.effects[place]
    size, start = len(effects), fitted.starts[place]
    shares = [
        np.bincount(side, minlength=size)[:size] / len(side)
        for side in (both.baseline, both.current)
    ]
    change = float(shares[1] @ effects)
    moved = shares[1] - shares[1].sum() * shares[0]
    block = fitted.covariance[start : start + size, start : start + size]
    sampling = sum(
        (share @ effects**2 - (share @ effects) ** 2) / len(side)
        for share, side in zip(shares, (both.baseline, both.current), strict=True)
    )
    return Contribution(
        feature=name,
        change=change,
        error=math.sqrt(max(0.0, float(moved @ block @ moved) + float(sampling))),
    )


def _residuals(
    before: np.ndarray, after: np.ndarray, fitted: _Fit, binned: Sequence[_Binned]
) -> tuple[np.ndarray, np.ndarray]:
    """What the regression does not tell of each row, of both sides."""
    left = [before - before.mean(), after - before.mean()]
    for effects, both in zip(fitted.effects, binned, strict=True):
        known = np.append(effects, 0.0)
        left = [
            r - known[side] for r, side in zip(left, (both.baseline, both.current), strict=True)
        ]
    return left[0], left[1]


def _outcome(
    baseline: pa.ChunkedArray, current: pa.ChunkedArray, min_group_rows: int
) -> tuple[np.ndarray, np.ndarray, str | None] | None:
    """Numbers of both sides, and of a category which one they tell."""
    sides = [single_values(side) for side in (baseline, current)]
    if None in sides:
        return None
    if all(_is_number(side.type) for side in sides):
        return *(_numbers(side) for side in sides), None
    texts = [as_texts(side) for side in sides]
    names = [x for x in sorted(set(texts[0])) if (texts[0] == x).sum() >= min_group_rows]
    if not names:
        return None
    moved = [abs((texts[1] == name).mean() - (texts[0] == name).mean()) for name in names]
    predicted = names[int(np.argmax(moved))]
    return *((side == predicted).astype(float) for side in texts), predicted


def _binned(baseline: pa.ChunkedArray, current: pa.ChunkedArray, cut: int) -> _Binned | None:
    """Bins of the baseline: quantiles of numbers, the most frequent categories; missing is one."""
    sides = [single_values(side) for side in (baseline, current)]
    if None in sides or not sides[0].null_count < len(sides[0]):
        return None
    if all(_is_number(side.type) for side in sides):
        values = [_numbers(side) for side in sides]
        known = values[0][~np.isnan(values[0])]
        if not len(known):
            return None
        edges = np.unique(np.quantile(known, np.linspace(0, 1, cut + 1)[1:-1], method="lower"))
        return _renumbered(
            *(
                np.where(np.isnan(side), len(edges) + 1, np.searchsorted(edges, side, side="left"))
                for side in values
            )
        )
    texts = [as_texts(side) for side in sides]
    names, counts = np.unique(texts[0], return_counts=True)
    listed = {name: min(i, cut) for i, name in enumerate(names[np.argsort(-counts, kind="stable")])}
    return _renumbered(*(np.array([listed.get(x, cut + 1) for x in side]) for side in texts))


def _renumbered(baseline: np.ndarray, current: np.ndarray) -> _Binned:
    """Bins that the baseline fills come first."""
    filled = np.unique(baseline)
    codes = np.full(max(baseline.max(), current.max()) + 1, len(filled))
    codes[filled] = np.arange(len(filled))
    return _Binned(codes[baseline], codes[current], len(filled))


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)


def _numbers(column: pa.Array) -> np.ndarray:
    return pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)


def _known(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        return pc.fill_null(pc.is_finite(column), False)
    return pc.is_valid(column)


def _error(before: np.ndarray, after: np.ndarray) -> float:
    """Standard error of the difference of the means."""
    return math.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
