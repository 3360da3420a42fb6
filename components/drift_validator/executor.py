"""Reads statistics, compares them, writes the report and the anomalies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from ...beam_jobs.reports import write_report
from .config import DriftConfig

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    from ...beam_jobs.drift_statistics.files import SplitStatistics
    from .inputs import Splits

STATISTICS_KEY = "statistics"
SCHEMA_KEY = "schema"
TRAINING_STATISTICS_KEY = "training_statistics"
REFERENCE_STATISTICS_KEY = "reference_statistics"
REPORT_KEY = "report"
ANOMALIES_KEY = "anomalies"
CONFIG_KEY = "config"


class Executor(base_executor.BaseExecutor):
    """See DriftValidator. TFDV, and TensorFlow with it, load only when this runs."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        from .anomalies import FILE_NAME, folder
        from .compare import compare
        from .inputs import read_references, read_splits

        self._log_startup(input_dict, output_dict, exec_properties)
        config = DriftConfig.model_validate_json(exec_properties[CONFIG_KEY])
        statistics = artifact_utils.get_single_instance(input_dict[STATISTICS_KEY])
        splits = artifact_utils.decode_split_names(statistics.split_names or "[]")
        compared = _chosen(read_splits(statistics.uri, splits), config.splits)
        trained = {}
        if input_dict.get(TRAINING_STATISTICS_KEY):
            training = artifact_utils.get_single_instance(input_dict[TRAINING_STATISTICS_KEY])
            trained = read_splits(training.uri)
        references = read_references(input_dict.get(REFERENCE_STATISTICS_KEY, []))
        training = _training(trained, config.training_split)
        findings = compare(
            current=_datasets(compared),
            training=training and training.datasets,
            references={each.span: _datasets(each.splits) for each in references},
            schema=_schema(input_dict),
            config=config,
        )

        report = artifact_utils.get_single_instance(output_dict[REPORT_KEY])
        write_report(report.uri, findings.report)
        report.set_int_custom_property("drift", int(findings.report.drift))
        report.set_string_custom_property("severity", findings.report.severity)
        report.set_int_custom_property("drifted_features", len(findings.report.drifted_features))

        anomalies = artifact_utils.get_single_instance(output_dict[ANOMALIES_KEY])
        anomalies.split_names = artifact_utils.encode_split_names(list(compared))
        anomalies.span = statistics.span
        for (name, split), found in findings.anomalies.items():
            uri = f"{anomalies.uri}/{folder(name, split)}/{FILE_NAME}"
            io_utils.write_bytes_file(uri, found.SerializeToString())


def _datasets(splits: Splits) -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    return {split: statistics.datasets for split, statistics in splits.items()}


def _chosen(statistics: Splits, splits: list[str]) -> Splits:
    missing = [split for split in splits if split not in statistics]
    if missing or not statistics:
        raise ValueError(
            f"no statistics of split {', '.join(missing) or '(any)'} in input "
            f"{STATISTICS_KEY!r}, which has {', '.join(statistics) or 'none'}"
        )
    return {split: statistics[split] for split in splits or statistics}


def _training(statistics: Splits, split: str) -> SplitStatistics | None:
    if not statistics:
        return None
    if len(statistics) == 1:
        return next(iter(statistics.values()))
    if split not in statistics:
        raise ValueError(
            f"no split {split!r} in input {TRAINING_STATISTICS_KEY!r}, which has "
            f"{', '.join(statistics)}; set training_split to one of them"
        )
    return statistics[split]


def _schema(input_dict: Mapping[str, list[types.Artifact]]) -> schema_pb2.Schema | None:
    if not input_dict.get(SCHEMA_KEY):
        return None
    uri = artifact_utils.get_single_uri(input_dict[SCHEMA_KEY])
    return io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(uri))
