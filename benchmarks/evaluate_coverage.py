"""Claim: 95 % intervals hold the true value in 93 to 97 of 100 cases.

Simulates data sets of 200, 2,000 and 20,000 rows: binary classifications with 1, 5, 10 and 50 %
positives, scored by two models, and a regression whose errors have heavy tails. Prints the share
of data sets (``SETS`` in the environment, default 500) whose interval holds the truth, which is
that of 2,000,000 rows: a line for each metric and each difference of the two models, ``*`` where it
lies outside 93 to 97 %. 500 data sets leave one point to chance (one standard error). A metric
that too few data sets define is left out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.evaluation_plan import make_plan
from tfx_vigil.beam_jobs.metrics.plan import Plan
from tfx_vigil.beam_jobs.metrics.quantities import Rows
from tfx_vigil.beam_jobs.metrics.results import Results, measure

sys.path.append(str(Path(__file__).parents[1] / "tests/beam_jobs"))
from simulated_scores import MODELS, scored_rows, statistics_of

SETS, SIZES = int(os.environ.get("SETS", 500)), (200, 2_000, 20_000)
TRUTH_ROWS, CHUNK = 2_000_000, 1_000_000
PREVALENCES = (0.01, 0.05, 0.1, 0.5)
BINARY = """
auc binary_crossentropy brier calibration mean_prediction mean_label accuracy precision recall fpr
fnr positive_rate
"""
Simulate = Callable[[np.random.Generator, int], Rows]


def heavy_tailed_rows(rng: np.random.Generator, n: int) -> Rows:
    labels = rng.lognormal(2, 0.6, n)
    errors = {
        model: sd * rng.standard_t(6, n) for model, sd in zip(MODELS, (1.0, 1.3), strict=True)
    }
    return Rows(labels, {model: labels + error for model, error in errors.items()})


def values_and_bounds(found: Results) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    measured = {m.planned.name: m for m in found.metrics if m.planned.model == MODELS[0]}
    changes = {m.planned.name: m for m in found.changes if m.planned.metric.depends_on_model}
    measured |= {f"difference of {name}": m for name, m in changes.items()}
    return {name: (m.values, m.lower, m.upper) for name, m in measured.items()}


def coverage(plan: Plan, simulate: Simulate, size: int) -> dict[str, float]:
    """Metric -> share of data sets whose interval holds the truth."""
    whole = simulate(np.random.default_rng(0), TRUTH_ROWS)
    truth = values_and_bounds(measure(plan, statistics_of(plan.needs(), whole)))
    rng, held = np.random.default_rng(size), {}
    for first in range(0, SETS, CHUNK // size):
        sets = min(CHUNK // size, SETS - first)
        rows = simulate(rng, sets * size)
        found = values_and_bounds(measure(plan, statistics_of(plan.needs(), rows, sets)))
        for name, (_, lower, upper) in found.items():
            inside = np.where(
                np.isfinite(lower), (lower <= truth[name][0]) & (truth[name][0] <= upper), np.nan
            )
            held.setdefault(name, []).append(inside)
    shares = {name: np.concatenate(parts) for name, parts in held.items()}
    return {
        name: float(np.nanmean(share)) if np.isfinite(share).mean() > 0.5 else np.nan
        for name, share in shares.items()
    }


def told(share: float) -> str:
    if np.isnan(share):
        return "     -"
    return f"{share:6.1%}"[:6] + (" " if 0.93 <= share <= 0.97 else "*")


def main() -> None:
    cases: dict[str, tuple[EvaluationConfig, Simulate]] = {
        f"{prevalence:.0%} positives": (
            EvaluationConfig(label="label", metrics=BINARY.split(), threshold=0.3),
            partial(scored_rows, prevalence=prevalence),
        )
        for prevalence in PREVALENCES
    }
    metrics = ["mse", "mae", "mean_prediction", "mean_label"]
    regression = EvaluationConfig(label="label", task="regression", metrics=metrics)
    cases["regression"] = regression, heavy_tailed_rows
    total = outside = 0
    for title, (config, simulate) in cases.items():
        plan = make_plan(config, {model: model for model in MODELS})
        by_size = [coverage(plan, simulate, size) for size in SIZES]
        print(f"{title:40}" + "".join(f"{size:>10,}" for size in SIZES))
        for name in by_size[0]:
            shares = [of_size[name] for of_size in by_size]
            print(f"  {name:38}" + "".join(f"{told(share):>10}" for share in shares), flush=True)
            known = [share for share in shares if not np.isnan(share)]
            total += len(known)
            outside += sum(not 0.93 <= share <= 0.97 for share in known)
    print(f"{outside} of {total} outside 93 to 97 %")


if __name__ == "__main__":
    main()
