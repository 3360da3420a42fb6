"""What the commands have in common: options, and how they check what is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .yaml_file import ConfigError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
VigilYaml = Annotated[Path | None, typer.Option("--config", "-c", help="A vigil.yaml.")]

SliceBy = Annotated[
    list[str] | None,
    typer.Option("--slice-by", help="A column, or several joined by commas to cross them."),
]

Task = Literal["binary_classification", "regression"]
EvaluationTask = Literal[
    "binary_classification", "multi_class_classification", "regression", "ranking"
]

Model = TypeVar("Model", bound=BaseModel)


def validated(kind: type[Model], settings: dict) -> Model:
    """Raises ConfigError, which names each key that does not fit."""
    try:
        return kind.model_validate(settings)
    except ValidationError as error:
        raise ConfigError("\n".join(map(_problem, error.errors()))) from error


def columns_of(slice_by: list[str] | None) -> list[list[str]]:
    """The columns of each ``--slice-by``."""
    return [entry.split(",") for entry in slice_by or []]


def _problem(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    return ": ".join(filter(None, (".".join(map(str, error["loc"])), message)))
