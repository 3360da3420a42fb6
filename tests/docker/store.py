"""The object store, as a folder: keys and bytes, neither folders nor modes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

MOUNTS = {"minio": "/minio", "s3": "/s3", "gs": "/gcs"}
_URI = re.compile(r"(minio|s3|gs)://(.+)")


def local_path(uri: str) -> str:
    """Where a container finds the artifact that lies at ``uri``."""
    found = _URI.fullmatch(uri)
    if not found:
        raise ValueError(f"{uri!r}: the launcher knows minio://, s3:// and gs:// only")
    return f"{MOUNTS[found[1]]}/{found[2]}"


class Store:
    """Blobs below ``root``; a key's parts are folders there, and an empty folder is nothing."""

    def __init__(self, root: Path):
        self.root = root

    def path(self, uri: str) -> Path:
        return self.root / local_path(uri).lstrip("/")

    def download(self, uri: str, target: Path) -> None:
        """Copies what lies at or below ``uri``; nothing there is no error."""
        _copy(self.path(uri), target)

    def upload(self, source: Path, uri: str) -> None:
        """Copies a file, or the files below a folder; keys that are there already are replaced."""
        _copy(source, self.path(uri))


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for path in source.rglob("*"):
        if path.is_file():
            _copy(path, target / path.relative_to(source))
