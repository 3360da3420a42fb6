"""Calls of the two models, and their bodies in the Open Inference Protocol."""

import random
from typing import NamedTuple

COLUMNS = {
    "age": "INT64",
    "children": "UINT8",
    "income": "FP32",
    "balance": "FP64",
    "member": "BOOL",
    "country": "BYTES",
}
IRIS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]


class Call(NamedTuple):
    id: str
    rows: list


def calls(prefix, lengths, row):
    rng = random.Random(prefix)
    return [Call(f"{prefix}-{i}", [row(rng) for _ in range(n)]) for i, n in enumerate(lengths)]


def credit_row(rng):
    """Numbers that float32 holds exactly."""
    return {
        "age": rng.randrange(18, 80),
        "children": rng.randrange(5),
        "income": rng.randrange(1 << 10) / 16,
        "balance": rng.randrange(-1 << 10, 1 << 10) / 512,
        "member": rng.random() < 0.5,
        "country": rng.choice(["CH", "DE", "Österreich"]),
    }


def iris_row(rng):
    return [rng.randrange(1, 64) / 8 for _ in IRIS]


def credit_body(call, output="predict_proba"):
    """A table: a tensor a column."""
    return {
        "id": call.id,
        "parameters": {"content_type": "pd"},
        "inputs": [
            {
                "name": name,
                "datatype": datatype,
                "shape": [len(call.rows), 1],
                "data": [row[name] for row in call.rows],
                **({"parameters": {"content_type": "str"}} if datatype == "BYTES" else {}),
            }
            for name, datatype in COLUMNS.items()
        ],
        "outputs": [{"name": output}],
    }


def iris_body(call):
    """One matrix, nested."""
    tensor = {"name": "x", "datatype": "FP32", "shape": [len(call.rows), 4], "data": call.rows}
    return {"id": call.id, "inputs": [tensor]}
