"""Has each model served in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from ...beam_jobs.examples import split_pattern
from ...beam_jobs.reports import IN_SERVICE, ServingCheck, ServingReport, write_report
from ...beam_jobs.score_models import find_saved_model
from ..earlier_models.executor import is_there
from ..history import FINE_TUNED, FROM_SCRATCH, PREVIOUS

EXAMPLES = "examples"
SPLIT = "split"
SAMPLE = "sample"
REPORT = "report"
MODELS = (IN_SERVICE, FINE_TUNED, FROM_SCRATCH, PREVIOUS)
_PATIENCE = 600


class Executor(base_executor.BaseExecutor):
    """See ServingChecks."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        models = {
            name: find_saved_model(artifact_utils.get_single_uri(input_dict[name]))
            for name in MODELS
            if input_dict.get(name) and all(map(is_there, input_dict[name]))
        }
        examples = artifact_utils.get_single_uri(input_dict[EXAMPLES])
        requests = split_pattern(examples, exec_properties[SPLIT])
        checks = list(serve(models, requests, exec_properties[SAMPLE]))
        uri = artifact_utils.get_single_uri(output_dict[REPORT])
        write_report(uri, ServingReport(models=checks))


def serve(models: Mapping[str, str], requests: str, sample: int) -> Iterator[ServingCheck]:
    """One check a model, in order. A model that ends its process has a problem, the next go on.

    Args:
      models: name -> SavedModel.
      requests: pattern of files of tf.Examples; the first ``sample`` are served.
    """
    left = dict(models)
    while left:
        asked = json.dumps({"models": left, "requests": requests, "sample": sample})
        try:
            ran = subprocess.run(
                [sys.executable, "-m", f"{__package__}.measure"],
                input=asked,
                capture_output=True,
                text=True,
                timeout=_PATIENCE * len(left),
            )
            out, ended = ran.stdout, f"its process ended with {ran.returncode}"
        except subprocess.TimeoutExpired as late:
            out, ended = (late.stdout or b"").decode(), f"no answer within {_PATIENCE} seconds"
        for line in out.splitlines():
            if line.startswith('{"model":'):
                found = ServingCheck.model_validate_json(line)
                del left[found.model]
                yield found
        if left:
            name = next(iter(left))
            del left[name]
            yield ServingCheck(model=name, problem=ended)
