"""Keysets in environment variables, which a container gets from its platform's secret store."""

from __future__ import annotations

import os
from typing import NoReturn

from .document import read_document
from .keyset import KeyInfo, Keyset, KeysetError


class EnvironmentKeys:
    """The keyset in the environment variable ``name``: the content of a keyset file.

    It is read only: the file that it was made of is the one to rotate.
    """

    def __init__(self, name: str):
        self._name = name
        self.source = f"env:{name}"

    def load(self) -> Keyset:
        content = os.environ.get(self._name)
        if not content:
            raise KeysetError(
                f"{self.source}: this environment variable, the keyset, is not set: put the "
                "content of a keyset file in it"
            )
        return read_document(self.source, content)[0]

    def versions(self) -> tuple[KeyInfo, ...]:
        return self.load().infos

    def create(self) -> NoReturn:
        self._refuse("new keyset.json")

    def rotate(self) -> NoReturn:
        self._refuse("rotate keyset.json")

    def destroy(self, version: int) -> NoReturn:
        self._refuse(f"destroy keyset.json --version {version}")

    def _refuse(self, command: str) -> NoReturn:
        raise KeysetError(
            f"{self.source}: an environment variable is only read. On the file it is made of: "
            f"tfx-vigil keys {command}; then give the new content to the secret store that sets "
            "the variable"
        )
