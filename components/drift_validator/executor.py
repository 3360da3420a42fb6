"""Measures a span, compares it, writes statistics, report and anomalies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from ...beam_jobs.reports import write_report
from .config import DriftConfig

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2

    from ...beam_jobs.drift_statistics.files import SplitStatistics
    from .inputs import Splits

EXAMPLES_KEY = "examples"
STATISTICS_KEY = "statistics"
SCHEMA_KEY = "schema"
TRAINING_STATISTICS_KEY = "training_statistics"
REFERENCE_STATISTICS_KEY = "reference_statistics"
MEASURED_KEY = "span_statistics"
REPORT_KEY = "report"
ANOMALIES_KEY = "anomalies"
CONFIG_KEY = "config"
SPAN_KEY = "span"


class Executor(base_beam_executor.BaseBeamExecutor):
    """See DriftValidator. TFDV, and TensorFlow with it, load only when this runs."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        from ..drift_statistics.executor import read_schema
        from .anomalies import FILE_NAME, folder
        from .compare import compare
        from .inputs import read_references, read_splits

        self._log_startup(input_dict, output_dict, exec_properties)
        config = DriftConfig.model_validate_json(exec_properties[CONFIG_KEY])
        schema = read_schema(input_dict.get(SCHEMA_KEY))
        statistics = self._statistics(input_dict, output_dict, config, schema)
        splits = artifact_utils.decode_split_names(statistics.split_names or "[]")
        compared = _chosen(read_splits(statistics.uri, splits), config.splits)
        _check_slices(compared, config)
        trained = {}
        if input_dict.get(TRAINING_STATISTICS_KEY):
            training = artifact_utils.get_single_instance(input_dict[TRAINING_STATISTICS_KEY])
            trained = read_splits(training.uri)
        references = read_references(input_dict.get(REFERENCE_STATISTICS_KEY, []))
        findings = compare(
            current=compared,
            training=_training(trained, config.training_split),
            references=references,
            schema=schema,
            config=config,
            span=exec_properties.get(SPAN_KEY) or None,
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

    def _statistics(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        config: DriftConfig,
        schema: schema_pb2.Schema | None,
    ) -> types.Artifact:
        """Those that are given, or else those of the examples."""
        from ..drift_statistics.measure import measure_splits, split_patterns, statistics_config

        if input_dict.get(STATISTICS_KEY):
            return artifact_utils.get_single_instance(input_dict[STATISTICS_KEY])
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES_KEY])
        statistics = artifact_utils.get_single_instance(output_dict[MEASURED_KEY])
        known = artifact_utils.decode_split_names(examples.split_names)
        splits = _known(config.splits, known, EXAMPLES_KEY) or known
        statistics.split_names = artifact_utils.encode_split_names(splits)
        statistics.span = examples.span
        with self._make_beam_pipeline() as pipeline:
            measure_splits(
                pipeline,
                split_patterns(examples, splits),
                statistics.uri,
                statistics_config(config, schema),
            )
        return statistics


def _check_slices(compared: Splits, config: DriftConfig) -> None:
    from ...beam_jobs.drift_statistics.from_tfdv import feature_name, whole

    totals = [whole(each.datasets) for each in compared.values()]
    known = {feature_name(feature) for total in totals for feature in total.features}
    unknown = {feature for features in config.slices for feature in features} - known
    if unknown and any(total.num_examples for total in totals):
        raise ValueError(
            f"slices: cannot slice by {', '.join(sorted(unknown))}, which is in no split; there "
            f"are {', '.join(sorted(known))}"
        )


def _chosen(statistics: Splits, splits: Sequence[str]) -> Splits:
    chosen = _known(splits, list(statistics), STATISTICS_KEY) or list(statistics)
    return {split: statistics[split] for split in chosen}


def _known(splits: Sequence[str], known: Sequence[str], name: str) -> list[str]:
    missing = [split for split in splits if split not in known]
    if missing or not known:
        raise ValueError(
            f"no {name} of split {', '.join(missing) or '(any)'} in input {name!r}, which has "
            f"{', '.join(known) or 'none'}"
        )
    return list(splits)


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
