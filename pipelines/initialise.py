"""Starts a history: the data and the model that everything later is compared with."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence

import apache_beam as beam
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.dsl.io import fileio

from ..beam_jobs import evaluate_slices, pseudonymize
from ..beam_jobs.drift_statistics.files import write_statistics
from ..beam_jobs.drift_statistics.from_tfdv import whole
from ..beam_jobs.drift_statistics.table import table_statistics
from ..beam_jobs.engine import job_options
from ..beam_jobs.examples import WriteExamples
from ..beam_jobs.ingest_config import Kind
from ..beam_jobs.reports import CANDIDATE
from ..beam_jobs.tables import ReadTable
from ..components.drift_statistics.measure import statistics_config
from ..components.history import TRAINING_SPLIT, BaselineRecord, History, copy_tree
from .config import VigilConfig
from .lock import exclusive
from .yaml_file import ConfigError

_EVALUATION_SPLIT = "eval"
_PRESENT = 0.9
_ARROW = {"float": pa.float32(), "int": pa.int64(), "string": pa.large_binary()}


def initialise(config: VigilConfig) -> BaselineRecord:
    """Writes the baseline into the history: schema, statistics, training rows, model, reference.

    Training rows are kept under the privacy policy, like the logs that they are compared with.
    A second call replaces the baseline, once the new one is whole.

    Raises:
      Busy: a run is writing to the history.
      Unreachable: nobody answers at a service that ``runtime.beam`` names.
      ConfigError: vigil.yaml has no ``baseline``.
      ValueError: a file lacks a feature or the label, or a column does not fit its type.
    """
    given = config.baseline
    if given is None:
        raise ConfigError("baseline: give training_data and model, the model's first day")
    config.runtime.beam.check_reachable()
    with exclusive(config):
        history = History(config.runtime.history_root)
        staging = History(os.path.join(history.root, "staging"))
        if fileio.exists(staging.root):
            fileio.rmtree(staging.root)
        fileio.makedirs(staging.baseline_path())
        rows = _fill(config, staging)
        if fileio.exists(history.baseline_path()):
            fileio.rmtree(history.baseline_path())
        fileio.rename(staging.baseline_path(), history.baseline_path())
        fileio.rmtree(staging.root)
        model = history.baseline_path("model") if given.model else None
        record = BaselineRecord(model=model, rows=rows)
        history.write_baseline(record)
    return record


def _fill(config: VigilConfig, history: History) -> int:
    """Writes everything of the baseline but its record; returns the number of training rows."""
    given = config.baseline
    sources = {TRAINING_SPLIT: given.training_data}
    if given.evaluation_data:
        sources[_EVALUATION_SPLIT] = given.evaluation_data
    examples = history.baseline_path("examples")
    _protected_examples(config, sources, examples)
    rows = describe(config, history, f"{examples}/Split-{TRAINING_SPLIT}")
    if given.model:
        model = history.baseline_path("model")
        copy_tree(given.model, model)
        if given.evaluation_data:
            reference(config, history, f"{examples}/Split-{_EVALUATION_SPLIT}", model)
    return rows


def _protected_examples(config: VigilConfig, sources: Mapping[str, str], output: str) -> None:
    """Writes each source as a split of typed Examples, treated by the privacy policy."""
    raw = os.path.join(config.raw_data_root, "baseline")
    os.makedirs(raw, mode=0o700, exist_ok=True)
    types = {name: config.model.features.get(name) for name in config.training_columns}
    types["label"] = "string" if config.model.positive_class else "float"
    try:
        for split, path in sources.items():
            with beam.Pipeline(options=job_options(config.beam_args)) as pipeline:
                (
                    pipeline
                    | "Read" >> ReadTable(path)
                    | "Type" >> beam.Map(_typed, path, config.baseline.label, types)
                    | "Write" >> WriteExamples(f"{raw}/Split-{split}")
                )
        pseudonymize.run(
            config.pseudonymizer, raw, output, config.beam_args, config.runtime.history_root
        )
    finally:
        shutil.rmtree(raw)


def _typed(
    batch: pa.RecordBatch, path: str, label: str, types: Mapping[str, Kind | None]
) -> pa.RecordBatch:
    """The columns in ``types``, under the names and types that they have in ingested logs."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    if label not in columns:
        raise ValueError(f"{path} has no column {label!r}; baseline.label names its label column")
    columns["label"] = columns.pop(label)
    kept = {
        name: _cast(columns[name], kind, path, name)
        for name, kind in types.items()
        if name in columns
    }
    return pa.RecordBatch.from_arrays(list(kept.values()), list(kept))


def _cast(column: pa.Array, kind: Kind | None, path: str, name: str) -> pa.Array:
    is_text = pa.types.is_large_binary(column.type.value_type)
    kind = kind or ("string" if is_text else "float")
    try:
        if kind == "string" and not is_text:
            column = column.cast(pa.large_list(pa.large_string()))
        return column.cast(pa.large_list(_ARROW[kind]))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise ValueError(
            f"{path}: column {name!r} holds {column.type.value_type} that do not all fit the "
            f"declared type {kind!r}; correct the file or model.features"
        ) from None


def describe(config: VigilConfig, history: History, training: str) -> int:
    """Writes statistics and schema of the training rows; returns how many there are."""
    wanted = statistics_config(config.training_statistics)
    measured = table_statistics(training, wanted, job_options())
    statistics = whole(measured.datasets)
    found = {feature.path.step[0] for feature in statistics.features}
    lost = [name for name in (*config.model.features, "label") if name not in found]
    if lost:
        raise ValueError(
            f"baseline.training_data {config.baseline.training_data} has no value of "
            f"{', '.join(lost)}; it must hold every feature of model.features and the label"
        )
    write_statistics(history.baseline_path("statistics"), TRAINING_SPLIT, measured)
    tfdv.write_schema_text(_schema(statistics, config.codes), history.baseline_path("schema.pbtxt"))
    return int(statistics.num_examples)


def _schema(
    statistics: statistics_pb2.DatasetFeatureStatistics, codes: Sequence[str]
) -> schema_pb2.Schema:
    """TFDV's schema of the training rows, with ``codes`` as integers that are categories.

    A feature that none of them lacked may still be missing now and then: whether it is missing
    more often than before is for DriftValidator to compare, not for the schema to forbid.
    """
    schema = tfdv.infer_schema(
        statistics_pb2.DatasetFeatureStatisticsList(datasets=[statistics]),
        infer_feature_shape=False,
    )
    for feature in schema.feature:
        if feature.presence.min_fraction == 1.0:
            feature.presence.min_fraction = _PRESENT
    for code in codes:
        feature = tfdv.get_feature(schema, code)
        feature.ClearField("domain_info")
        feature.int_domain.is_categorical = True
    return schema


def reference(config: VigilConfig, history: History, rows: str, model: str) -> None:
    """Measures the model on rows it has not seen: what later spans are held against."""
    staging = history.baseline_path("evaluation")
    report = evaluate_slices.run(config.evaluation, rows, staging, {CANDIDATE: model})
    with fileio.open(history.baseline_path("slices.json"), "w") as f:
        f.write(report.model_dump_json(indent=1))
