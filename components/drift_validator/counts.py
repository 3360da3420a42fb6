"""How many values fall in which bin, in two populations: what every distance is computed from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...beam_jobs.reports import Distribution


@dataclass(frozen=True)
class Counts:
    """Values per bin, and values outside all bins (too rare for the statistics to list).

    ``resolution``: so large a share of the values may lie in a neighbouring bin in truth.
    """

    bins: tuple[str, ...]
    baseline: np.ndarray
    current: np.ndarray
    baseline_rest: float = 0.0
    current_rest: float = 0.0
    resolution: float = 0.0

    @property
    def of_baseline(self) -> tuple[np.ndarray, float]:
        return self.baseline, self.baseline_rest

    @property
    def of_current(self) -> tuple[np.ndarray, float]:
        return self.current, self.current_rest

    def shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Each bin's share of all values, the rest included in the whole."""
        return (
            self.baseline / max(self.baseline.sum() + self.baseline_rest, 1),
            self.current / max(self.current.sum() + self.current_rest, 1),
        )

    def distribution(self, largest: int | None = None) -> Distribution:
        """The shares for a report; with ``largest``, of so many bins and ``all others``."""
        baseline, current = self.shares()
        kept = np.arange(len(self.bins))
        if largest is not None:
            kept = np.argsort(-(baseline + current), kind="stable")[:largest]
        bins = [self.bins[i] for i in kept]
        baseline, current = baseline[kept], current[kept]
        others = max(0.0, 1 - baseline.sum()), max(0.0, 1 - current.sum())
        if max(others) > 1e-9:
            bins = [*bins, "all others"]
            baseline, current = np.append(baseline, others[0]), np.append(current, others[1])
        return Distribution(bins=bins, baseline=baseline.tolist(), current=current.tolist())
