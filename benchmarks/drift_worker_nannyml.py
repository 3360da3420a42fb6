"""NannyML's part of drift_quality.py and drift_speed.py.

As delivered: Jensen-Shannon distance of each column over its default of ten chunks, thresholds
from the chunks of the reference. Marginal scores: the whole of the current table as one chunk, by
Jensen-Shannon and by Kolmogorov-Smirnov and chi-squared. Joint ones: the reconstruction error of
its principal components, its domain classifier, and the ROC AUC of ``prediction`` for ``label``.
Runs in an environment of its own, see ``drift_peers.py``.
"""

import os

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import nannyml
import pandas as pd
from drift_worker import serve

JENSEN_SHANNON = {}  # the default
TESTS = {"continuous_methods": ["kolmogorov_smirnov"], "categorical_methods": ["chi2"]}


def verdict(baseline: str, current: str, scores: list[str]) -> dict:
    tables = [pd.read_parquet(path).filter(regex="^(?!log_)") for path in (baseline, current)]
    alerts = univariate(tables, "alert")
    answer = {"alarms": [name for name, alert in alerts.items() if alert], "scores": {}}
    if "marginal" in scores:
        answer["scores"] |= {
            "NannyML JS": univariate(tables, "value", chunk_number=1),
            "NannyML KS, chi2": univariate(tables, "value", chunk_number=1, **TESTS),
        }
    if "joint" in scores:
        answer["scores"]["NannyML joint"] = joint(tables)
    return answer


def texts(table: pd.DataFrame) -> list[str]:
    return [name for name in table if table[name].dtype == object]


def univariate(tables: list[pd.DataFrame], what: str, **kwargs) -> dict[str, float]:
    """The largest value (or any alert) of each column's chunks of the current table."""
    calculator = nannyml.UnivariateDriftCalculator(
        list(tables[0]), treat_as_categorical=texts(tables[0]), **kwargs
    )
    found = calculator.fit(tables[0]).calculate(tables[1]).filter(period="analysis").to_df()
    values = found.xs(what, axis=1, level=-1)
    return {name: float(values[name].max().max()) for name in tables[0]}


def joint(tables: list[pd.DataFrame]) -> dict[str, float]:
    reconstruction = nannyml.DataReconstructionDriftCalculator(list(tables[0]), chunk_number=1)
    classifier = nannyml.DomainClassifierCalculator(
        list(tables[0]),
        treat_as_categorical=texts(tables[0]),
        chunk_number=1,
        hyperparameters={"n_jobs": 1, "random_state": 13, "verbose": -1},
    )
    performance = nannyml.PerformanceCalculator(
        metrics=["roc_auc"],
        y_true="label",
        y_pred="answer",
        y_pred_proba="prediction",
        problem_type="classification_binary",
        chunk_number=1,
    )
    answered = [table.assign(answer=(table["prediction"] > 0.5).astype(int)) for table in tables]
    return {
        "reconstruction": abs(value(reconstruction, tables) - value(reconstruction, tables, 0)),
        "domain_classifier": value(classifier, tables),
        "roc_auc": abs(value(performance, answered) - value(performance, answered, 0)),
    }


def value(calculator, tables: list[pd.DataFrame], chunk: int = -1) -> float:
    """The current table's value, or the baseline's for chunk 0."""
    found = calculator.fit(tables[0]).calculate(tables[1]).to_df()
    return float(found.xs("value", axis=1, level=-1).iloc[chunk, 0])


serve(verdict)
