"""Runs the job that evaluates slices on the rows of Examples artifacts."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils
from tfx.utils import json_utils

from ...beam_jobs.evaluate_slices import EvaluateSlices
from ...beam_jobs.evaluation_config import EvaluationConfig
from ...beam_jobs.event_spans import EVENT_SPAN, SINCE_PUSH, with_event_span
from ...beam_jobs.examples import ReadExamples, split_pattern
from ...beam_jobs.reports import (
    CANDIDATE,
    FIRST,
    IN_SERVICE,
    SliceReport,
    read_report,
    write_report,
)
from ...beam_jobs.score_models import find_saved_model
from ..blessing import write_blessing
from ..earlier_models.executor import is_there
from ..history import History
from .matured import earlier_estimates, with_matured
from .since_push import windows_of_push, with_since_push

CONFIG = "config"
SPLITS = "splits"
ESTIMATE_SPLITS = "estimate_splits"
HISTORY_ROOT = "history_root"
SPAN = "span"
EXAMPLES = "examples"
MODEL = "model"
BASELINE_MODEL = "baseline_model"
FIRST_MODEL = "first_model"
EVALUATION = "evaluation"
REPORT = "report"
BLESSING = "blessing"

_NOTHING = SliceReport(
    models=[],
    primary_metric="",
    larger_is_better=False,
    rows=0,
    metrics=[],
    changes=[],
    small_slices={},
)
_MODEL_NAMES = {MODEL: CANDIDATE, BASELINE_MODEL: IN_SERVICE, FIRST_MODEL: FIRST}


class Executor(base_beam_executor.BaseBeamExecutor):
    """See SlicedEvaluator."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        splits, estimate_splits = (
            json_utils.loads(exec_properties[key]) for key in (SPLITS, ESTIMATE_SPLITS)
        )
        report_uri = artifact_utils.get_single_uri(output_dict[REPORT])
        if any(not is_there(model) for model in input_dict.get(MODEL, [])):
            write_report(report_uri, _NOTHING)
            return
        models = {
            name: find_saved_model(artifact_utils.get_single_uri(input_dict[key]))
            for key, name in _MODEL_NAMES.items()
            if input_dict.get(key) and all(map(is_there, input_dict[key]))
        }
        config = EvaluationConfig.model_validate_json(exec_properties[CONFIG])
        windows, estimates, ages = {}, {}, {}
        if root := exec_properties.get(HISTORY_ROOT):
            history, span = History(root), exec_properties[SPAN]
            windows, estimates = earlier_estimates(history, span)
            ages = windows_of_push(history, span)
        places = {EVENT_SPAN: windows, SINCE_PUSH: ages}
        slices = [*config.slices, *([name] for name, given in places.items() if given)]
        config = config.model_copy(update={"slices": slices})
        with self._make_beam_pipeline() as pipeline:
            rows = pipeline | "Read" >> _read(input_dict[EXAMPLES], splits)
            for name, given in places.items():
                if given:
                    rows |= name >> beam.Map(with_event_span, given, name)
            if estimate_splits:
                others = pipeline | "Read others" >> _read(input_dict[EXAMPLES], estimate_splits)
                rows = rows, others
            _ = rows | "Evaluate" >> EvaluateSlices(
                config,
                artifact_utils.get_single_uri(output_dict[EVALUATION]),
                report_uri,
                models,
            )
        report = read_report(report_uri, SliceReport)
        if ages:
            report = with_since_push(report)
        if estimates:
            report = with_matured(report, estimates)
        if ages or estimates:
            write_report(report_uri, report)
        valid = report.valid
        if valid is not None and input_dict.get(MODEL):
            write_blessing(
                artifact_utils.get_single_instance(output_dict[BLESSING]),
                valid,
                *(artifacts[0] for key in _MODEL_NAMES if (artifacts := input_dict.get(key))),
            )


def _read(examples: list[types.Artifact], splits: list[str]) -> beam.PTransform:
    """A split without labels yet may have no file, which a source refuses."""
    patterns = split_patterns(examples, splits)
    return ReadExamples(patterns) if patterns else beam.Create([])


def split_patterns(examples: list[types.Artifact], splits: list[str]) -> list[str]:
    """The file patterns of ``splits`` that match a file.

    Raises:
      ValueError: an artifact has no such split.
    """
    patterns = []
    for artifact in examples:
        known = artifact_utils.decode_split_names(artifact.split_names)
        if unknown := set(splits) - set(known):
            raise ValueError(f"{artifact.uri} has no split {sorted(unknown)}, only {known}")
        patterns += [split_pattern(artifact.uri, split) for split in splits]
    matches = FileSystems.match(patterns)
    return [match.pattern for match in matches if match.metadata_list]
