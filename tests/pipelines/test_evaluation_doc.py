"""docs/evaluation.md names parameters, keys and options that there are."""

import inspect
import re
from pathlib import Path

import pytest
from tfx_vigil.beam_jobs.evaluation_config import EvaluationConfig
from tfx_vigil.components import SlicedEvaluator
from tfx_vigil.pipelines.cli import app
from tfx_vigil.pipelines.config import VigilConfig
from typer.main import get_command

TEXT = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
LINES = TEXT[TEXT.index("| parameter |") :].partition("\n\n")[0].splitlines()[2:]
ROWS = [[re.findall(r"`([^`]+)`", cell) for cell in line.split("|")[1:4]] for line in LINES]


def test_each_parameter_is_one_of_the_evaluation_or_the_component():
    named = {name for parameters, _, _ in ROWS for name in parameters}
    known = EvaluationConfig.model_fields.keys() | inspect.signature(SlicedEvaluator).parameters
    assert named - known == set()


@pytest.mark.parametrize("key", [key for _, keys, _ in ROWS for key in keys])
def test_each_key_is_one_of_vigil_yaml(key):
    section, _, name = key.partition(".")
    field = VigilConfig.model_fields[section]
    assert not name or name in field.annotation.model_fields


@pytest.mark.parametrize(
    "option", [word for *_, options in ROWS for text in options for word in text.split()]
)
def test_each_option_is_one_of_the_command(option):
    known = {opt for p in get_command(app).commands["evaluate"].params for opt in p.opts}
    assert not option.startswith("--") or option in known
