"""Copies the model out of the history that served before the one in service."""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from ..history import History, copy_tree

HISTORY_ROOT = "history_root"
SPAN = "span"
MODEL = "model"
AVAILABLE = "available"


def is_there(model: types.Artifact) -> bool:
    """Whether there is a model in the artifact."""
    return not model.has_custom_property(AVAILABLE) or bool(
        model.get_int_custom_property(AVAILABLE)
    )


class Executor(base_executor.BaseExecutor):
    """See PreviousModel."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        history = History(exec_properties[HISTORY_ROOT])
        previous = history.previous_model(before=exec_properties[SPAN])
        model = artifact_utils.get_single_instance(output_dict[MODEL])
        model.set_int_custom_property(AVAILABLE, int(previous is not None))
        if previous:
            copy_tree(previous.model, path_utils.serving_model_dir(model.uri))
            model.set_string_custom_property("span", previous.span)
