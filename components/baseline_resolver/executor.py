"""Copies a span's baselines out of the history."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from ...beam_jobs.drift_statistics.files import (
    ERRORS_FILE,
    SplitStatistics,
    read_statistics,
    write_statistics,
)
from ..history import History, copy_tree
from ..spans import start_of
from ..statistics_places import span_folder, split_folder, splits_in
from .references import References, choose_references

HISTORY_ROOT = "history_root"
SPAN = "span"
PREDICTION = "prediction"
SCHEMA = "schema"
TRAINING_STATISTICS = "training_statistics"
REFERENCE_STATISTICS = "reference_statistics"
REFERENCES = "references"
MODEL = "model"


class Executor(base_executor.BaseExecutor):
    """See BaselineResolver."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        outputs = {key: artifact_utils.get_single_instance(a) for key, a in output_dict.items()}
        span = exec_properties[SPAN]
        history = History(exec_properties[HISTORY_ROOT])

        schema = history.baseline_path("schema.pbtxt")
        if fileio.exists(schema):
            fileio.makedirs(outputs[SCHEMA].uri)
            fileio.copy(schema, os.path.join(outputs[SCHEMA].uri, "schema.pbtxt"), overwrite=True)

        in_service = history.model_in_service(before=span)
        training, trained = outputs[TRAINING_STATISTICS], history.training_statistics_path(span)
        _copy_statistics({training.uri: trained} if trained else {}, training)
        _copy_references(
            history,
            span,
            References.model_validate_json(exec_properties[REFERENCES]),
            exec_properties[PREDICTION],
            outputs[REFERENCE_STATISTICS],
        )

        model = outputs[MODEL]
        model.set_int_custom_property("available", int(in_service is not None))
        if in_service:
            copy_tree(in_service.model, path_utils.serving_model_dir(model.uri))
            model.set_string_custom_property("span", in_service.span)
            model.set_string_custom_property("path", in_service.model)


def _copy_references(
    history: History, span: str, references: References, prediction: str, artifact: types.Artifact
) -> None:
    """Copies the reference spans' statistics; without predictions that another model made."""
    earlier = history.spans(before=span)
    replaced = max((record.span for record in earlier if record.pushes), default="")
    chosen = choose_references(earlier, start_of(span), references)
    folders = {record.span: span_folder(artifact.uri, record.span) for record in chosen}
    _copy_statistics({folders[r.span]: history.path(r, "statistics") for r in chosen}, artifact)
    for earlier_span, folder in folders.items():
        if earlier_span <= replaced:
            _leave_out(prediction, folder)


def _copy_statistics(sources: Mapping[str, str], artifact: types.Artifact) -> None:
    """Copies to each folder its source's splits; ``artifact`` then tells which there are."""
    splits = set()
    for folder, source in sources.items():
        copy_tree(source, folder)
        splits.update(splits_in(source))
    artifact.split_names = artifact_utils.encode_split_names(sorted(splits))


def _leave_out(prediction: str, folder: str) -> None:
    """Removes the prediction, and the errors it made, from the statistics in ``folder``."""
    for split in splits_in(folder):
        statistics = read_statistics(folder, split)
        for dataset in statistics.datasets.datasets:
            kept = [each for each in dataset.features if list(each.path.step) != [prediction]]
            del dataset.features[:]
            dataset.features.extend(kept)
        rows = statistics.rows
        if rows is not None and prediction in rows.column_names:
            rows = rows.drop([prediction])
        write_statistics(folder, split, SplitStatistics(statistics.datasets, rows))
        errors = os.path.join(split_folder(folder, split), ERRORS_FILE)
        if fileio.exists(errors):
            fileio.remove(errors)
