"""Keeps the start-up noise of TensorFlow, TFX and Google's clients off the screen."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from absl import logging as absl_logging


def quiet() -> None:
    """Call it before TensorFlow is imported: it imports it, without a word."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.simplefilter("ignore")
    logging.getLogger().setLevel(logging.ERROR)
    for name in ("tensorflow", "tfx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # What fails in Beam or TFX is raised, and the CLI shows it once.
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    absl_logging.set_verbosity(absl_logging.FATAL)  # a failed node is shown once, by the CLI
    with _native_stderr_dropped():  # 2.21 logs while it loads, whatever TF_CPP_MIN_LOG_LEVEL says
        import tensorflow  # noqa: F401


@contextmanager
def _native_stderr_dropped() -> Iterator[None]:
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
