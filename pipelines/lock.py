"""One writer at a time for a history on this machine."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .config import VigilConfig
from .yaml_file import ConfigError


class Busy(RuntimeError):
    """Another run is writing to the same history."""


@contextmanager
def exclusive(config: VigilConfig) -> Iterator[None]:
    """Holds the history's lock; the kernel lifts that of a run that was killed.

    Raises:
      Busy: another run holds it.
      ConfigError: the pipeline root is on no disk of this machine.
    """
    if "://" in config.runtime.pipeline_root:
        raise ConfigError(
            f"runtime.pipeline_root: found {config.runtime.pipeline_root!r}: a run on this machine "
            "keeps its metadata on a disk: give a folder, or compile the pipeline for a cluster"
        )
    root = config.runtime.history_root
    root = config.runtime.pipeline_root if "://" in root else root
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, ".lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy(f"another run is writing to {root}: wait for it to end") from error
        yield
