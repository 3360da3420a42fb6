"""Keeps the start-up noise of TensorFlow, TFX and Google's clients off the screen."""

from __future__ import annotations

import logging
import os
import warnings


def quiet() -> None:
    """Call it before TensorFlow is imported; errors still show."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    warnings.simplefilter("ignore")
    for name in ("apache_beam", "tensorflow", "tfx", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)

    from absl import logging as absl_logging

    # The runner's INFO lines drive the progress display; absl's own handler would print them.
    logging.getLogger("absl").setLevel(logging.INFO)
    absl_logging.get_absl_handler().setLevel(logging.ERROR)
