"""Copies a span's baselines out of the history."""

from __future__ import annotations

import os
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from ..history import History, copy_tree

HISTORY_ROOT = "history_root"
SPAN = "span"
PREDICTION = "prediction"
SCHEMA = "schema"
TRAINING_STATISTICS = "training_statistics"
PREVIOUS_STATISTICS = "previous_statistics"
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
        _copy_statistics(history.training_statistics_path(span), outputs[TRAINING_STATISTICS])
        earlier = history.spans(before=span)
        previous = history.path(earlier[-1], "statistics") if earlier else None
        _copy_statistics(previous, outputs[PREVIOUS_STATISTICS])
        if earlier and earlier[-1].push:
            _leave_out(exec_properties[PREDICTION], outputs[PREVIOUS_STATISTICS])

        model = outputs[MODEL]
        model.set_int_custom_property("available", int(in_service is not None))
        if in_service:
            copy_tree(in_service.model, path_utils.serving_model_dir(model.uri))
            model.set_string_custom_property("span", in_service.span)
            model.set_string_custom_property("path", in_service.model)


def _copy_statistics(source: str | None, artifact: types.Artifact) -> None:
    if source is None:
        artifact.split_names = artifact_utils.encode_split_names([])
        return
    copy_tree(source, artifact.uri)
    splits = sorted(
        name[len("Split-") :] for name in fileio.listdir(source) if name.startswith("Split-")
    )
    artifact.split_names = artifact_utils.encode_split_names(splits)


def _leave_out(feature: str, artifact: types.Artifact) -> None:
    """Removes ``feature`` from every statistics file of ``artifact``."""
    for path in fileio.glob(os.path.join(artifact.uri, "Split-*", "FeatureStats.pb")):
        with fileio.open(path, "rb") as f:
            statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(f.read())
        for dataset in statistics.datasets:
            kept = [each for each in dataset.features if list(each.path.step) != [feature]]
            del dataset.features[:]
            dataset.features.extend(kept)
        with fileio.open(path, "wb") as f:
            f.write(statistics.SerializeToString())
