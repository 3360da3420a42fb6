"""Evidently's part of drift_quality.py and drift_speed.py: the tests that its drift preset chooses.

Runs in an environment of its own, see ``drift_peers.py``.
"""

import os

os.environ["DO_NOT_TRACK"] = "1"

import math

import numpy as np
import pandas as pd
from drift_worker import serve
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests import get_stattest
from evidently.presets import DataDriftPreset


def verdict(baseline: str, current: str, scores: list[str]) -> dict:
    """Scores come from the preset's tests alone, without its report and plots."""
    tables = [pd.read_parquet(path).filter(regex="^(?!log_)") for path in (baseline, current)]
    numbers = tables[0].select_dtypes("number").columns.tolist()
    texts = [name for name in tables[0] if name not in numbers]
    if not scores:
        return {"alarms": reported(tables, numbers, texts)}
    found, alarms = {}, []
    for name in tables[0]:
        kind = "num" if name in numbers else "cat"
        sides = [table[name].replace([-np.inf, np.inf], np.nan).dropna() for table in tables]
        test = get_stattest(*sides, kind, None)
        result = test(*sides, kind, None)
        is_chance = "p_value" in test.display_name
        score = result.drift_score
        found[name] = -math.log(max(score, 1e-300)) if is_chance else score
        if result.drifted:
            alarms.append(name)
    return {"alarms": alarms, "scores": {"Evidently": found}}


def reported(tables: list[pd.DataFrame], numbers: list[str], texts: list[str]) -> list[str]:
    columns = DataDefinition(numerical_columns=numbers, categorical_columns=texts)
    sides = [Dataset.from_pandas(table, data_definition=columns) for table in tables]
    metrics = Report([DataDriftPreset()]).run(sides[1], sides[0]).dict()["metrics"]
    alarms = []
    for metric in metrics:
        config, value = metric["config"], metric["value"]
        if "method" in config:
            low = "p_value" in config["method"]
            if (value < config["threshold"]) if low else (value >= config["threshold"]):
                alarms.append(config["column"])
    return alarms


serve(verdict)
