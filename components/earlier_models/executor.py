"""Copies models out of the history that served before the one in service."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from ..history import BASELINE, History, copy_tree

HISTORY_ROOT = "history_root"
SPAN = "span"
PREVIOUS = "previous"
FIRST = "first"
AVAILABLE = "available"


def is_there(model: types.Artifact) -> bool:
    """Whether there is a model in the artifact."""
    return not model.has_custom_property(AVAILABLE) or bool(
        model.get_int_custom_property(AVAILABLE)
    )


class Executor(base_executor.BaseExecutor):
    """See EarlierModels."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        history, span = History(exec_properties[HISTORY_ROOT]), exec_properties[SPAN]
        in_service = history.model_in_service(before=span)
        first = next(iter(history.models(before=span)), None)
        replaced = first and first.span == BASELINE and in_service.span != BASELINE
        found = {
            PREVIOUS: history.previous_model(before=span),
            FIRST: first if replaced else None,
        }
        for key, earlier in found.items():
            model = artifact_utils.get_single_instance(output_dict[key])
            model.set_int_custom_property(AVAILABLE, int(earlier is not None))
            if earlier:
                copy_tree(earlier.model, path_utils.serving_model_dir(model.uri))
                model.set_string_custom_property("span", earlier.span)
