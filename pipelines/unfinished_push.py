"""Takes back what a run has pushed that was killed before it could record it."""

from __future__ import annotations

import os

from apache_beam.io.filesystems import FileSystems
from tfx.dsl.io import fileio

from ..components.history import History

_WITHDRAWN = ".withdrawn"


def withdraw_unfinished(history: History, serving_dir: str) -> None:
    """Deletes the model versions that interrupted spans pushed and the history does not know.

    The server goes back to the version before until the span has run again and pushed its own.
    Versions are told by their names, the second in which the stock Pusher pushed them: only those
    since the interrupted span's record was written.
    """
    begun = [
        FileSystems.last_updated(history.record_path(record.span))
        for record in history.all_records()
        if not record.complete
    ]
    if not begun or not fileio.isdir(serving_dir):
        return
    recorded = {os.path.basename(model.model) for model in history.models()}
    for version in fileio.listdir(serving_dir):
        version = version.rstrip("/")
        if version.isdecimal() and int(version) >= int(min(begun)) and version not in recorded:
            path = os.path.join(serving_dir, version)
            # A server never sees half a version.
            fileio.rename(path, path + _WITHDRAWN)
            fileio.rmtree(path + _WITHDRAWN)
