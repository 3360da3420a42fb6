"""What TFDV says of the statistics beside the schema, without what a log lawfully adds."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from ...beam_jobs.drift_statistics.from_tfdv import common_statistics
from ...beam_jobs.reports import SchemaAnomaly
from ...beam_jobs.slices import OVERALL
from .config import DriftConfig
from .named_values import with_named_values
from .populations import Columns

_INFO = anomalies_pb2.AnomalyInfo
_KINDS = {
    _INFO.SCHEMA_MISSING_COLUMN: "missing_feature",
    _INFO.FEATURE_TYPE_NOT_PRESENT: "missing_feature",
    _INFO.FEATURE_TYPE_LOW_NUMBER_PRESENT: "missing_feature",
    _INFO.UNEXPECTED_DATA_TYPE: "wrong_type",
    _INFO.SCHEMA_NEW_COLUMN: "new_feature",
    _INFO.ENUM_TYPE_UNEXPECTED_STRING_VALUES: "new_value",
    _INFO.FEATURE_TYPE_LOW_FRACTION_PRESENT: "missing_values",
}
_ERRORS = ("missing_feature", "wrong_type")


@dataclass(frozen=True)
class SchemaCheck:
    """``anomalies``: TFDV's, by split; ``found``: the same for the report, each only once."""

    anomalies: Mapping[str, anomalies_pb2.Anomalies]
    found: list[SchemaAnomaly]


def inferred_schema(baseline: Columns, config: DriftConfig) -> schema_pb2.Schema:
    """A schema for data without one, from the statistics it is compared with.

    Presence is not constrained: missing rates are compared with a threshold of their own.
    """
    told = {
        feature: with_named_values(statistics, (), config.min_group_rows)
        for feature, statistics in baseline.features.items()
    }
    schema = tfdv.infer_schema(_datasets(told, baseline.rows), False)
    for feature in schema.feature:
        feature.presence.Clear()
        feature.presence.min_count = 1
    return schema


def check_schema(
    splits: Mapping[str, Columns], schema: schema_pb2.Schema, config: DriftConfig
) -> SchemaCheck:
    """Validates each split, all rows of it, against ``schema``.

    A feature of the schema may be absent from a split when another one holds it; absent from
    all, it is reported on the first. What the schema wants in a share of the rows
    (``min_fraction``) must be in the first itself: older rows, whose labels came late, do not
    show that it still arrives. Columns that come with the ground truth may be in any split, and
    are not missed while a split is empty. Features that need no schema are not taken for new ones.
    """
    with_rows = {name: split for name, split in splits.items() if split.rows}
    held = {
        feature
        for split in with_rows.values()
        for feature, statistics in split.features.items()
        if common_statistics(statistics).num_non_missing
    }
    wanted = _log_names(schema, config)
    some_empty = len(with_rows) < len(splits)
    anomalies: dict[str, anomalies_pb2.Anomalies] = {}
    found: dict[tuple[str, str], SchemaAnomaly] = {}
    for position, (name, split) in enumerate(with_rows.items()):
        expected = schema_pb2.Schema()
        expected.CopyFrom(wanted)
        del expected.feature[:]
        for feature in wanted.feature:
            absent_here = feature.name not in split.features
            late = config.comes_late(feature.name)
            required = feature.presence.min_fraction > 0 and not late
            elsewhere = feature.name in held and not required
            excused = some_empty and late
            if config.ignores(feature.name) or (
                absent_here and (elsewhere or excused or position > 0)
            ):
                continue
            expected.feature.add().CopyFrom(feature)
        known = {feature.name for feature in expected.feature}
        columns = {
            feature: statistics
            for feature, statistics in split.features.items()
            if feature in known or not config.needs_no_schema(feature)
        }
        floor = config.min_group_rows
        told = {
            feature: with_named_values(statistics, _domain(expected, feature), floor)
            for feature, statistics in columns.items()
        }
        anomalies[name] = tfdv.validate_statistics(_datasets(told, split.rows), expected)
        for anomaly in _reported(anomalies[name], name):
            found.setdefault((anomaly.feature, anomaly.kind), anomaly)
    return SchemaCheck(anomalies, list(found.values()))


def _domain(schema: schema_pb2.Schema, feature: str) -> Container[str]:
    """The values that the schema knows of a feature."""
    for known in schema.feature:
        if known.name == feature:
            named = [d for d in schema.string_domain if d.name == known.domain]
            return {x for d in (known.string_domain, *named) for x in d.value}
    return ()


def _log_names(schema: schema_pb2.Schema, config: DriftConfig) -> schema_pb2.Schema:
    log_names = {name: log_name for log_name, name in config.training_names.items()}
    renamed = schema_pb2.Schema()
    renamed.CopyFrom(schema)
    for feature in renamed.feature:
        feature.name = log_names.get(feature.name, feature.name)
    return renamed


def _datasets(
    features: Mapping[str, statistics_pb2.FeatureNameStatistics], rows: int
) -> statistics_pb2.DatasetFeatureStatisticsList:
    datasets = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = datasets.datasets.add(num_examples=rows)
    for name, statistics in features.items():
        feature = dataset.features.add()
        feature.CopyFrom(statistics)
        feature.path.step[:] = name.split(".") if len(statistics.path.step) > 1 else [name]
    return datasets


def _reported(anomalies: anomalies_pb2.Anomalies, split: str) -> list[SchemaAnomaly]:
    reports = []
    for feature, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason:
            kind = _KINDS.get(reason.type, _INFO.Type.Name(reason.type).lower())
            reports.append(
                SchemaAnomaly(
                    feature=feature,
                    slice=OVERALL,
                    split=split,
                    kind=kind,
                    description=reason.description,
                    severity="error" if kind in _ERRORS else "warning",
                )
            )
    return reports
