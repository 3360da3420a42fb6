"""Asks for what belongs neither in a shell's history nor in a list of processes."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from .yaml_file import ConfigError


def identifier_of(id_file: Path | None) -> str:
    """The raw identifier of a person, from a file or asked for."""
    if id_file is None:
        return asked("Identifier of the person")
    try:
        return _checked(id_file.read_text())
    except OSError as error:
        raise ConfigError(f"--id-file: {id_file}: {error.strerror}") from None


def asked(what: str) -> str:
    """A line that a person types unseen, or that stdin holds."""
    if sys.stdin.isatty():
        return _checked(typer.prompt(what, hide_input=True, err=True))
    return _checked(sys.stdin.readline())


def _checked(text: str) -> str:
    identifier = text.strip("\r\n")
    if not identifier or "\n" in identifier:
        raise ConfigError("the identifier: one line with the value of a subject_id field is needed")
    return identifier
