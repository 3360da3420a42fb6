"""YAML files checked against a pydantic model, with errors that name the key and the line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

AnyModel = TypeVar("AnyModel", bound=BaseModel)

_KEY = re.compile(r"([\w.]+): ")


class ConfigError(ValueError):
    """A configuration that cannot be used; the text names file, line, key and what to do."""


def load(path: str | Path, kind: type[AnyModel]) -> AnyModel:
    """Reads ``path`` as a ``kind``.

    Raises:
      ConfigError: the file is missing, is no YAML, repeats a key, or does not fit ``kind``.
    """
    path = Path(path)
    try:
        root = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; give the path of a vigil.yaml") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise ConfigError(f"{path}{line}: not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:1: expected keys and values at the top of the file")
    _refuse_repeated_keys(path, root, ())
    content = yaml.load(path.read_text(), Loader=yaml.SafeLoader)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [_problem(path, root, e) for e in error.errors(include_url=False)]
        raise ConfigError("\n".join(problems)) from error


def _problem(path: Path, root: yaml.Node, error: dict[str, Any]) -> str:
    message = error["msg"].removeprefix("Value error, ")
    line, names = _locate(root, error["loc"])
    # A validator of the whole file begins its message with the key that it is about.
    if not error["loc"] and (key := _KEY.match(message)):
        line, _ = _locate(root, key[1].split("."))
    if error["type"] == "missing":
        names.append(str(error["loc"][-1]))
        message = "this key is required"
    elif error["type"] == "extra_forbidden":
        message = "unknown key; remove it or correct its spelling"
    elif not isinstance(error["input"], Mapping | BaseModel):
        message += f", found {error['input']!r}"
    return ": ".join(filter(None, (f"{path}:{line}", ".".join(names), message)))


def _locate(node: yaml.Node, location: Sequence[str | int]) -> tuple[int, list[str]]:
    """The line and the keys of the deepest part of ``location`` that the file has.

    pydantic puts the names of union members into locations; the file does not have them.
    """
    line, names = node.start_mark.line + 1, []
    for part in location:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == str(part):
                    line, node = name.start_mark.line + 1, value
                    names.append(str(part))
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
            names.append(str(part))
    return line, names


def _refuse_repeated_keys(path: Path, node: yaml.Node, above: tuple[str, ...]) -> None:
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            _refuse_repeated_keys(path, item, (*above, str(i)))
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for name, value in node.value:
            where = (*above, name.value)
            if name.value in seen:
                line = name.start_mark.line + 1
                raise ConfigError(f"{path}:{line}: {'.'.join(where)}: the key is given twice")
            seen.add(name.value)
            _refuse_repeated_keys(path, value, where)
