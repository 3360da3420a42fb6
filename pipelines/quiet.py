"""Keeps the start-up noise of TensorFlow, TFX and Google's clients off the screen."""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from absl import logging as absl_logging


def quiet() -> None:
    """Call it before TensorFlow is imported; errors still show."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.simplefilter("ignore")
    logging.getLogger().setLevel(logging.ERROR)
    for name in ("apache_beam", "tensorflow", "tfx"):
        logging.getLogger(name).setLevel(logging.ERROR)
    absl_logging.set_verbosity(absl_logging.FATAL)  # a failed node is shown once, by the CLI
