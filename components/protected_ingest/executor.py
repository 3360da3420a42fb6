"""Runs LogIngest and PIIPseudonymizer with the raw data between them in a folder of their own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

from ..artifacts import DeadLetters
from ..log_ingest import executor as log_ingest
from ..pii_pseudonymizer import executor as pseudonymizer

INGEST = "ingest"
PRIVACY = "privacy"
RAW_ROOT = "raw_root"
EXAMPLES = "examples"
INGEST_REPORT = "ingest_report"
PRIVACY_REPORT = "privacy_report"
DEAD_LETTERS = "dead_letters"


class Executor(base_beam_executor.BaseBeamExecutor):
    """See ProtectedIngest."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        with _raw_folder(exec_properties[RAW_ROOT]) as raw:
            examples = [_artifact(standard_artifacts.Examples, f"{raw}/examples")]
            letters = [_artifact(DeadLetters, f"{raw}/dead_letters")]
            log_ingest.Executor(self._context).Do(
                {},
                {
                    log_ingest.EXAMPLES_KEY: examples,
                    log_ingest.REPORT_KEY: output_dict[INGEST_REPORT],
                    log_ingest.DEAD_LETTERS_KEY: letters,
                },
                {
                    log_ingest.CONFIG_KEY: exec_properties[INGEST],
                    log_ingest.WINDOW_START_KEY: exec_properties[log_ingest.WINDOW_START_KEY],
                    log_ingest.WINDOW_END_KEY: exec_properties[log_ingest.WINDOW_END_KEY],
                    log_ingest.HISTORY_ROOT_KEY: exec_properties[log_ingest.HISTORY_ROOT_KEY],
                },
            )
            pseudonymizer.Executor(self._context).Do(
                {
                    pseudonymizer.RAW_EXAMPLES: examples,
                    pseudonymizer.RAW_DEAD_LETTERS: letters,
                },
                {
                    pseudonymizer.EXAMPLES: output_dict[EXAMPLES],
                    pseudonymizer.REPORT: output_dict[PRIVACY_REPORT],
                    pseudonymizer.DEAD_LETTERS: output_dict[DEAD_LETTERS],
                },
                {
                    pseudonymizer.CONFIG: exec_properties[PRIVACY],
                    pseudonymizer.PURGE_INPUT: 1,
                    pseudonymizer.HISTORY_ROOT: exec_properties[log_ingest.HISTORY_ROOT_KEY],
                },
            )


def _artifact(kind: type[types.Artifact], uri: str) -> types.Artifact:
    artifact = kind()
    artifact.uri = uri
    return artifact


@contextmanager
def _raw_folder(root: str) -> Iterator[str]:
    """A folder that is gone afterwards, and with it what a killed run left in ``root``."""
    if not root:
        with tempfile.TemporaryDirectory() as folder:
            yield folder
        return
    _remove(root)
    fileio.makedirs(root)
    try:
        yield root
    finally:
        _remove(root)


def _remove(root: str) -> None:
    if fileio.exists(root):
        fileio.rmtree(root)
