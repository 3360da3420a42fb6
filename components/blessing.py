"""A model's blessing, as the stock Evaluator writes it and the stock Pusher reads it."""

from __future__ import annotations

import os

from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio


def write_blessing(
    blessing: types.Artifact,
    blessed: bool,
    model: types.Artifact | None,
    baseline: types.Artifact | None = None,
) -> None:
    """Marks ``blessing`` as that of ``model``, given or refused."""
    if model:
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
        )
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baseline:
        blessing.set_string_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri
        )
        blessing.set_int_custom_property(
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id
        )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(blessed))
    verdict = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    fileio.makedirs(blessing.uri)
    with fileio.open(os.path.join(blessing.uri, verdict), "w") as f:
        f.write("")
