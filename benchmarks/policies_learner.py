"""A quick learner in place of the Trainer, its models as files, and their evaluation on Arrow."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from google.protobuf import json_format
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder
from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder
from tfx_vigil.beam_jobs import evaluate_slices
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.beam_jobs.reports import CANDIDATE, IN_SERVICE, SliceReport
from tfx_vigil.beam_jobs.select_training_rows import WEIGHT
from tfx_vigil.beam_jobs.tfma_config import eval_config

FILE = "model.joblib"


def learn(rows: pd.DataFrame, label: str, folder: str) -> str:
    """Trains on ``rows``, by their weights if they have some, and returns ``folder``."""
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    numbers = make_column_transformer(
        (codes, make_column_selector(dtype_include=object)), remainder="passthrough"
    )
    trees = HistGradientBoostingClassifier(max_iter=60, max_leaf_nodes=15, random_state=0)
    weights = rows.get(WEIGHT)
    model = make_pipeline(numbers, trees).fit(
        rows.drop(columns=[label, WEIGHT], errors="ignore"),
        rows[label],
        histgradientboostingclassifier__sample_weight=weights,
    )
    Path(folder).mkdir(parents=True, exist_ok=True)
    joblib.dump(model, f"{folder}/{FILE}")
    return folder


def score(folder: str, rows: pd.DataFrame) -> np.ndarray:
    """The chance of the positive class, shape [rows]."""
    model: Pipeline = joblib.load(f"{folder}/{FILE}")
    return model.predict_proba(rows)[:, 1]


def model_digest(folder: str) -> str:
    return hashlib.sha256(Path(folder, FILE).read_bytes()).hexdigest()


def table(requests: pd.DataFrame, features: Mapping[str, str], label: str) -> pd.DataFrame:
    """Features and label as the model takes them: numbers as floats, texts as objects."""
    kinds = {name: object if kind == "string" else float for name, kind in features.items()}
    return requests[[*features, label]].astype({**kinds, label: float})


def read_examples(folder: str, features: Mapping[str, str], label: str) -> pd.DataFrame:
    """The same of gzipped tf.Examples, with their weights if they have some."""
    files = [str(path) for path in sorted(Path(folder).iterdir())]
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    batch = ExamplesToRecordBatchDecoder().DecodeBatch(records)
    found = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = {}
    for name, kind in {**features, label: "float"}.items():
        cells = found[name].to_pylist() if name in found else [None] * batch.num_rows
        cells = [cell[0] if cell else None for cell in cells]
        if kind == "string":
            cells = [None if cell is None else cell.decode() for cell in cells]
        columns[name] = cells
    rows = table(pd.DataFrame(columns), features, label)
    if WEIGHT in found:
        rows[WEIGHT] = np.asarray(found[WEIGHT].flatten())
    return rows


def compare(
    config: EvaluationConfig,
    rows: pd.DataFrame,
    models: Mapping[str, str],
    features: Mapping[str, str],
    folder: str,
) -> SliceReport:
    """What SlicedEvaluator reports of a ``candidate`` beside the model ``in_service``.

    Args:
      models: either name -> folder.
    """
    columns = {name: f"score_{name}" for name in models}
    scores = {columns[name]: score(path, rows[list(features)]) for name, path in models.items()}
    Path(folder).mkdir(parents=True, exist_ok=True)
    codes = {name: "Int64" for name, kind in features.items() if kind == "int"}
    pq.write_table(
        pa.Table.from_pandas(rows.astype(codes).assign(**scores)), f"{folder}/rows.parquet"
    )
    wanted = eval_config(config, columns, IN_SERVICE)
    given = json_format.MessageToDict(wanted, preserving_proto_field_name=True)
    of_two = EvaluationConfig(
        task=config.task, eval_config=given, primary_metric=config.primary_name
    )
    return evaluate_slices.run(of_two, f"{folder}/rows.parquet", folder)


def first_report(
    config: EvaluationConfig,
    rows: pd.DataFrame,
    model: str,
    features: Mapping[str, str],
    folder: str,
) -> SliceReport:
    """What is promised of the first model: the report on rows that it has not seen."""
    return compare(config, rows, {CANDIDATE: model, IN_SERVICE: model}, features, folder)
