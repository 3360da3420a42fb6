"""Comparisons as DriftValidator makes them, of which a test says only what it is about."""

from __future__ import annotations

from tfx_vigil.beam_jobs.reports import Comparison, Distribution, DriftFinding

NUMBERS = ["(-inf, 2]", "(2, 5]", "(5, 9]", "(9, inf)"]
CASH, CARD = "Cash", "Credit_Card"


def comparison(feature: str, value: float = 0.2, threshold: float = 0.05, **more) -> Comparison:
    """Drift where ``value`` exceeds ``threshold``, unless told otherwise."""
    given = {
        "feature": feature,
        "slice": "overall",
        "against": "training",
        "split": "serving",
        "distance": "location",
        "value": value,
        "threshold": threshold,
        "threshold_origin": "practical floor",
        "p_value": 1e-6,
        "n_baseline": 10_000,
        "n_current": 2_000,
        "verdict": "drift" if value > threshold else "ok",
    }
    return Comparison(**given | more)


def numbers(baseline: list[float], current: list[float]) -> Distribution:
    return Distribution(bins=NUMBERS, baseline=baseline, current=current, ordered=True)


def payment(before: float, now: float) -> Distribution:
    """Shares of cash; all others pay by card."""
    return Distribution(bins=[CARD, CASH], baseline=[1 - before, before], current=[1 - now, now])


def missing(before: float, now: float) -> Distribution:
    return Distribution(
        bins=["missing", "present"], baseline=[before, 1 - before], current=[now, 1 - now]
    )


RISEN = numbers([0.25, 0.25, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4])
FALLEN = numbers([0.25, 0.25, 0.25, 0.25], [0.4, 0.3, 0.2, 0.1])
WIDER = numbers([0.25, 0.25, 0.25, 0.25], [0.4, 0.1, 0.1, 0.4])


def finding(feature: str = "fare", **more) -> DriftFinding:
    given = {
        "feature": feature,
        "kind": "values_rose",
        "slices": ["overall"],
        "against": ["training"],
        "severity": "watch",
        "times_threshold": 1.2,
        "sentence": "",
        "action": "",
    }
    return DriftFinding(**given | more)
