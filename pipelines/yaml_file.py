"""YAML files checked against a pydantic model, with errors that name the key and the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

AnyModel = TypeVar("AnyModel", bound=BaseModel)


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
    line, key = _locate(root, error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{path}:{line}: {key}: unknown key; remove it or correct its spelling"
    if error["type"] == "missing":
        return f"{path}:{line}: {key}: this key is required"
    return f"{path}:{line}: {key}: {error['msg']}, found {error['input']!r}"


def _locate(node: yaml.Node, location: tuple[str | int, ...]) -> tuple[int, str]:
    """The line of the deepest part of ``location`` that the file has, and the key's path.

    pydantic puts the names of union members into locations; the file does not have them.
    """
    line, key = node.start_mark.line + 1, []
    for i, part in enumerate(location):
        last = i == len(location) - 1
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == str(part):
                    line, node = name.start_mark.line + 1, value
                    key.append(str(part))
                    break
            else:
                if last:
                    key.append(str(part))
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
            key.append(str(part))
    return line, ".".join(key)


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
