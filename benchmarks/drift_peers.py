"""The peers of drift_quality.py and drift_speed.py, each a process in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.10")  # the first there is
PEERS = ("evidently", "nannyml", "tfdv")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Peer:
    """One of ``PEERS``, started, with its imports done; to be used in a ``with`` statement.

    Args:
      name: one of ``PEERS``.
      threads: of its numerical libraries; None: as many as they like.
    """

    def __init__(self, name: str, threads: int | None = None):
        python = Path(sys.executable)
        if name != "tfdv":
            environment = f"drift-peers-{name}"
            script = ROOT / "requirements/environment.sh"
            subprocess.run([script, environment, *PYTHONS], check=True)
            python = ROOT / ".uv" / environment / "bin/python"
        limits = {} if threads is None else dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._program = Path(__file__).with_name(f"drift_worker_{name}.py")
        self._process = subprocess.Popen(
            [python, self._program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | limits,
        )
        self._process.stdout.readline()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_) -> None:
        self._process.stdin.close()
        self._process.wait()

    def verdict(self, baseline: Path, current: Path, scores: Sequence[str] = ()) -> dict:
        """What the peer makes of two Parquet files, see ``drift_worker.serve``.

        Raises:
          RuntimeError: where it has ended; to see why, run its program by hand.
        """
        question = {"baseline": str(baseline), "current": str(current), "scores": [*scores]}
        try:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            raise RuntimeError(f"{self._program.name} ended on {question}") from None
