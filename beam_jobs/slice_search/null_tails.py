"""How likely a slice's loss is, were its rows drawn at random from all rows.

The sum of a slice's losses is then the sum of a sample without replacement. Its mean, variance
and skewness are known exactly; a Pearson III (gamma) law with these gives the bulk. In the tail,
where decisions fall among many candidates, that is not enough for skewed losses, so there it is
Skovgaard's double saddlepoint approximation, with a relative error of a few percent at any size;
for losses of two values it is the hypergeometric law, which is exact. Where one loss outweighs all
others together, the tail has a step as high as the chance that it is drawn, and next to that step
the approximation is off by a factor of up to five; far below it, it is not.

Robinson (1982), "Saddlepoint approximations for permutation tests and confidence intervals",
JRSS B 44; Skovgaard (1987), "Saddlepoint expansions for conditional distributions", Journal of
Applied Probability 24.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, gammainc, gammaincc, ndtr
from scipy.stats import hypergeom

_TAIL_FROM, _LEAST_BULK = 2.0, 0.01
_MOST_STEPS = 32
_SINGLE_LOSSES, _GROUPED_LOSSES = 256, 256
_NEWTON_STEPS, _PRECISION = 100, 1e-10
_MOST_AT_ONCE = 2048


@dataclass(frozen=True)
class Population:
    """All losses: their number, moments and, standardised, a table of [k] values with weights.

    The largest losses stand alone in the table, since they make the tail; the others are grouped
    by rank, each group at its mean.

    Attributes:
      step: the smallest difference of losses that have few values, 0 for others: a correction for
        continuity.
    """

    rows: int
    mean: float
    deviation: float
    skewness: float
    step: float
    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, losses: np.ndarray) -> Population:
        losses = np.sort(losses)
        mean, deviation = float(losses.mean()), float(losses.std())
        scaled = (losses - mean) / deviation if deviation > 0 else np.zeros(len(losses))
        bulk = max(len(losses) - _SINGLE_LOSSES, 0)
        grouped = np.linspace(0, bulk, min(bulk, _GROUPED_LOSSES), endpoint=False).astype(int)
        starts = np.concatenate([grouped, np.arange(bulk, len(losses))])
        distinct, step = np.flatnonzero(np.diff(losses, prepend=-np.inf)), 0.0
        if len(distinct) <= len(starts):
            starts = distinct
        if 1 < len(distinct) <= _MOST_STEPS:
            step = float(np.diff(losses[distinct]).min())
        weights = np.diff(starts, append=len(losses)).astype(float)
        values = np.add.reduceat(scaled, starts) / weights
        return cls(len(losses), mean, deviation, float((scaled**3).mean()), step, values, weights)

    def scores(self, rows: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """How many standard deviations sums of ``rows`` losses lie above what is expected."""
        return (sums - rows * self.mean) / np.maximum(
            self.deviation * np.sqrt(self._dispersion(rows)), np.finfo(float).tiny
        )

    def upper_tails(self, rows: np.ndarray, sums: np.ndarray) -> np.ndarray:
        """P(sum of that many losses drawn at random >= the sum), for each candidate."""
        if self.deviation == 0:
            return np.ones(len(rows))
        if len(self.values) == 2:
            return self._two_values(rows, sums)
        scores = self.scores(rows, sums - self.step / 2)
        tails = np.maximum(self._pearson(rows, scores), _LEAST_BULK)
        far = np.flatnonzero(scores > _TAIL_FROM)
        for start in range(0, len(far), _MOST_AT_ONCE):
            some = far[start : start + _MOST_AT_ONCE]
            tails[some] = self._saddlepoint(rows[some], scores[some], tails[some])
        return tails

    def _dispersion(self, rows: np.ndarray) -> np.ndarray:
        """The variance of the sum of standardised losses."""
        return rows * (self.rows - rows) / (self.rows - 1)

    def _two_values(self, rows: np.ndarray, sums: np.ndarray) -> np.ndarray:
        low, high = self.values * self.deviation + self.mean
        highs = np.round((sums - rows * low) / (high - low))
        return hypergeom.sf(highs - 1, self.rows, int(self.weights[1]), rows)

    def _pearson(self, rows: np.ndarray, scores: np.ndarray) -> np.ndarray:
        skewness = self.skewness * (self.rows - 2 * rows) / (self.rows - 2)
        skewness = skewness / np.sqrt(np.maximum(self._dispersion(rows), 1e-9))
        nearly_normal = np.abs(skewness) < 1e-4
        skewness = np.where(nearly_normal, 1.0, skewness)
        shape = 4 / skewness**2
        point = np.maximum(shape + 2 * scores / skewness, 0)
        gamma = np.where(skewness > 0, gammaincc(shape, point), gammainc(shape, point))
        return np.where(nearly_normal, ndtr(-scores), gamma)

    def _saddlepoint(
        self, rows: np.ndarray, scores: np.ndarray, otherwise: np.ndarray
    ) -> np.ndarray:
        """Rows are drawn independently with a chance theta, given that so many are drawn."""
        theta = rows / self.rows
        log_odds = np.log(theta) - np.log1p(-theta)
        target = scores * np.sqrt(self._dispersion(rows))
        s, t, solved = self._solve(log_odds, rows, target)
        exponent, _, (k_ss, k_st, k_tt) = self._at(log_odds, rows, target, s, t)
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.sqrt(-2 * exponent)
            u = t * np.sqrt((k_ss * k_tt - k_st**2) / (self.rows * theta * (1 - theta)))
            density = np.exp(-(r**2) / 2) / np.sqrt(2 * np.pi)
            tails = ndtr(-r) + density * (1 / u - 1 / r)
        good = solved & np.isfinite(tails) & (tails >= 0) & (tails < 1)
        return np.where(good, tails, otherwise)

    def _solve(
        self, log_odds: np.ndarray, rows: np.ndarray, target: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The saddlepoints (s, t) by Newton's method with halved steps, and which are found."""
        found = np.zeros((2, len(rows)))
        solved = np.zeros(len(rows), bool)
        left = np.arange(len(rows))
        here, step = np.zeros((2, len(rows))), np.zeros((2, len(rows)))
        height = np.full(len(rows), np.inf)
        for _ in range(_NEWTON_STEPS):
            there = here + step
            value, gap, (k_ss, k_st, k_tt) = self._at(
                log_odds[left], rows[left], target[left], *there
            )
            lower = value <= height + 1e-12 * np.abs(value)
            determinant = np.maximum(k_ss * k_tt - k_st**2, np.finfo(float).tiny)
            newton = np.stack([k_tt * gap[0] - k_st * gap[1], k_ss * gap[1] - k_st * gap[0]])
            here, height = np.where(lower, there, here), np.where(lower, value, height)
            step = np.where(lower, newton / determinant, step / 2)
            done = lower & ((step * gap).sum(axis=0) < _PRECISION)
            found[:, left[done]], solved[left[done]] = here[:, done], True
            left, height = left[~done], height[~done]
            here, step = here[:, ~done], step[:, ~done]
            if not left.size:
                break
        return *found, solved

    def _at(
        self,
        log_odds: np.ndarray,
        rows: np.ndarray,
        target: np.ndarray,
        s: np.ndarray,
        t: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        """Of K(s, t) - s rows - t target: value, minus its gradient, second derivatives."""
        exponents = (log_odds + s)[:, None] + t[:, None] * self.values
        cumulant = (np.logaddexp(0, exponents) - np.logaddexp(0, log_odds)[:, None]) @ self.weights
        drawn = expit(exponents)
        gap = np.stack([rows - drawn @ self.weights, target - drawn @ (self.weights * self.values)])
        spread = drawn * (1 - drawn) * self.weights
        curvature = spread.sum(axis=1), spread @ self.values, spread @ self.values**2
        return cumulant - s * rows - t * target, gap, curvature
