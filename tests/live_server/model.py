"""Run by the model server's Python: trains two small scikit-learn models for MLServer to serve.

``model.py FOLDER`` writes a model repository into FOLDER. It reads what will be sent, JSON
``{model: [row, ...]}``, from its input, and writes what the models themselves say to it,
``{model: [[score, ...], ...]}``.
"""

import json
import shutil
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler


def credit():
    """The probability of two classes, from numbers, truth values and texts."""
    rng, n = np.random.default_rng(0), 500
    rows = pd.DataFrame(
        {
            "age": rng.integers(18, 80, n),
            "children": rng.integers(0, 5, n),
            "income": rng.normal(50, 10, n),
            "balance": rng.normal(0, 1, n),
            "member": rng.random(n) < 0.5,
            "country": rng.choice(["CH", "DE", "Österreich"], n),
        }
    )
    paid = rows.income / 50 + rows.balance + (rows.country == "CH") + rng.normal(0, 0.5, n) > 1.5
    columns = make_column_transformer(
        (OneHotEncoder(), ["country"]),
        (StandardScaler(), ["age", "children", "income", "balance"]),
        remainder="passthrough",
    )
    return make_pipeline(columns, LogisticRegression()).fit(rows, paid.astype(int))


def iris():
    """The species, 0 to 2, from one matrix."""
    return LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))


def main():
    sent, scores = json.load(sys.stdin), {}
    for name, model in (("credit", credit()), ("iris", iris())):
        folder = Path(sys.argv[1], name)
        folder.mkdir()
        joblib.dump(model, folder / "model.joblib")
        shutil.copy(Path(__file__).with_name("runtime.py"), folder)
        settings = {
            "name": name,
            "implementation": "runtime.LoggedModel",
            "parameters": {"uri": "./model.joblib", "version": "3"},
        }
        (folder / "model-settings.json").write_text(json.dumps(settings))
        if name == "credit":
            scores[name] = model.predict_proba(pd.DataFrame(sent[name])).tolist()
        else:
            scores[name] = model.predict(np.array(sent[name])).reshape(-1, 1).tolist()
    json.dump(scores, sys.stdout)


if __name__ == "__main__":
    main()
