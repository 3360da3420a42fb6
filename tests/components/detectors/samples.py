"""Rows and streams of errors to look for drift in."""

import numpy as np
import pyarrow as pa
from tfx_vigil.components.drift_validator.detectors import ErrorStream, Rows

MINUTE = 60_000_000


def rows(baseline, current, **changes):
    tables = [pa.table(side) for side in (baseline, current)]
    return Rows(
        *tables, **{"split": "serving", "against": "training", "columns": list(baseline), **changes}
    )


def stream(errors, starts, step=MINUTE):
    errors = np.asarray(errors, float)
    return ErrorStream(np.arange(len(errors)) * step, errors, starts, "labelled")


def mixed_rows(seed, n, flipped=False):
    """Numbers, categories, missing values and a vector that depend on each other."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    sign = -1 if flipped else 1
    y = sign * x + rng.normal(size=n)
    city = np.where(rng.random(n) < 1 / (1 + np.exp(-2 * x)), "Oslo", "Rome")
    amount = np.where(rng.random(n) < 0.6, 0.0, rng.exponential(size=n) * (1 + (x > 0)))
    return {
        "x": x,
        "y": pa.array(y, mask=rng.random(n) < 0.2),
        "city": pa.array(city),
        "amount": amount,
        "kind": rng.choice(list("abcdefghijklmnopqrst"), n),
        "vector": pa.array(rng.normal(size=(n, 3)).tolist()),
        "id": pa.array([f"customer {i}" for i in rng.integers(0, 2**40, n)]),
        "prediction": 1 / (1 + np.exp(-x - rng.normal(size=n))),
    }
