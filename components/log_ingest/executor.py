"""Executor of LogIngest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils

from ...beam_jobs import ingest_logs
from ...beam_jobs.ingest_config import IngestConfig
from ...beam_jobs.reports import IngestReport, read_report, without_files
from ..history import History

CONFIG_KEY = "config"
WINDOW_START_KEY = "window_start"
WINDOW_END_KEY = "window_end"
HISTORY_ROOT_KEY = "history_root"
EXAMPLES_KEY = "examples"
REPORT_KEY = "report"
DEAD_LETTERS_KEY = "dead_letters"

EARLIER = 100
"""How many earlier windows are looked at for red flags."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Runs ``ingest_logs`` into the output artifacts."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        examples, report, dead_letters = (
            artifact_utils.get_single_instance(output_dict[key])
            for key in (EXAMPLES_KEY, REPORT_KEY, DEAD_LETTERS_KEY)
        )
        examples.split_names = artifact_utils.encode_split_names(list(ingest_logs.SPLITS))
        start = ingest_logs.rfc3339_time(exec_properties[WINDOW_START_KEY])
        with self._make_beam_pipeline() as pipeline:
            ingest_logs.ingest_logs(
                pipeline,
                IngestConfig.model_validate_json(exec_properties[CONFIG_KEY]),
                start,
                ingest_logs.rfc3339_time(exec_properties[WINDOW_END_KEY]),
                output_uri=examples.uri,
                dead_letter_uri=dead_letters.uri,
                report_uri=report.uri,
                earlier=_earlier_reports(exec_properties[HISTORY_ROOT_KEY], start),
            )
        counts = read_report(report.uri, IngestReport).counts
        if not counts.rows_written and not counts.labels_joined:
            raise ingest_logs.NoLogs(
                f"{counts.records_read} records were read, none of them between "
                f"{exec_properties[WINDOW_START_KEY]} and {exec_properties[WINDOW_END_KEY]}: "
                "if there was traffic, its logs are missing"
            )
        facts = {
            "rows": counts.rows_written,
            "labelled_rows": counts.labels_joined,
            "dead_letters": counts.records_dead_lettered,
        }
        for artifact, names in (
            (examples, facts),
            (report, facts),
            (dead_letters, ["dead_letters"]),
        ):
            for name in names:
                artifact.set_int_custom_property(name, facts[name])


def _earlier_reports(history_root: str, start: datetime) -> list[IngestReport]:
    if not history_root:
        return []
    history = History(history_root)
    records = [record for record in history.spans() if record.window_end <= start]
    reports = (history.report(record, "ingest", IngestReport) for record in records[-EARLIER:])
    return [without_files(report) for report in reports if report]
