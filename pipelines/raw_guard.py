"""Sees to it that a run leaves no raw data behind, even one that is killed.

Run as a script it is the guard: a process of its own session that waits until the run's end of a
pipe closes, which the kernel does however the run ends, and then deletes the folder. Only when the
machine itself stops does raw data stay until the next run begins.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_raw_data_left(folder: str) -> Iterator[None]:
    """Deletes ``folder`` before and after, and also when this process is killed meanwhile."""
    _delete(folder)
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        _delete(folder)
        guard.communicate()


def _delete(folder: str) -> None:
    if os.path.isdir(folder):
        shutil.rmtree(folder)


def _guard(folder: str) -> None:
    for ending in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    sys.stdin.buffer.read()
    _delete(folder)


if __name__ == "__main__":
    _guard(sys.argv[1])
