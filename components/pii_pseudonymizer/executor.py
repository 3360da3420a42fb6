"""Runs the pseudonymization job on artifacts, and purges its raw input."""

from __future__ import annotations

import os
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils

from ...beam_jobs.privacy_policy import PrivacyConfig
from ...beam_jobs.pseudonymize import pseudonymize
from ...beam_jobs.reports import PrivacyReport, read_report, write_report
from ...beam_jobs.scrub_dead_letters import scrub_dead_letters

CONFIG = "config"
PURGE_INPUT = "purge_input"
HISTORY_ROOT = "history_root"
# A TFX component cannot use one name for an input and an output.
RAW_EXAMPLES = "raw_examples"
RAW_DEAD_LETTERS = "raw_dead_letters"
EXAMPLES = "examples"
REPORT = "report"
DEAD_LETTERS = "dead_letters"


class Executor(base_beam_executor.BaseBeamExecutor):
    """See PIIPseudonymizer."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        config = PrivacyConfig.model_validate_json(exec_properties[CONFIG])
        raw = artifact_utils.get_single_instance(input_dict[RAW_EXAMPLES])
        examples = artifact_utils.get_single_instance(output_dict[EXAMPLES])
        report = artifact_utils.get_single_instance(output_dict[REPORT])
        raw_letters = input_dict.get(RAW_DEAD_LETTERS)

        _copy_properties(raw, examples)
        splits = artifact_utils.decode_split_names(raw.split_names)
        with self._make_beam_pipeline() as pipeline:
            pseudonymize(
                pipeline,
                config,
                raw.uri,
                splits,
                examples.uri,
                report.uri,
                exec_properties[HISTORY_ROOT],
            )
            if raw_letters:
                scrub_dead_letters(
                    pipeline,
                    artifact_utils.get_single_uri(raw_letters),
                    artifact_utils.get_single_uri(output_dict[DEAD_LETTERS]),
                    config.phone_region,
                )

        content = read_report(report.uri, PrivacyReport)
        if exec_properties[PURGE_INPUT]:
            for artifact in (raw, *(raw_letters or [])):
                _purge(artifact.uri)
            write_report(report.uri, content.model_copy(update={"input_purged": True}))
        report.set_int_custom_property("rows", content.rows_written)
        report.set_int_custom_property("rows_restricted", content.rows_restricted)
        report.set_int_custom_property("rows_erased", content.rows_erased)
        report.set_int_custom_property("findings", sum(f.values for f in content.findings))


def _copy_properties(raw: types.Artifact, examples: types.Artifact) -> None:
    if examples_utils.get_payload_format(raw) != example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE:
        payload = examples_utils.get_payload_format_string(raw)
        raise ValueError(f"{raw.uri}: payload {payload}: only FORMAT_TF_EXAMPLE can be treated")
    examples.split_names = raw.split_names
    examples.span = raw.span
    examples.version = raw.version
    examples_utils.set_payload_format(examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)


def _purge(uri: str) -> None:
    """Deletes what is in the folder ``uri``."""
    for name in fileio.listdir(uri):
        path = os.path.join(uri, name)
        if fileio.isdir(path):
            fileio.rmtree(path)
        else:
            fileio.remove(path)
