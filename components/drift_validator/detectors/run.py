"""All detectors that are on, over all that there is to look at."""

from __future__ import annotations

from collections.abc import Sequence

from .config import DetectorsConfig
from .contract import ErrorStream, Measured, Rows, RowsDetector


def run(
    config: DetectorsConfig, rows: Sequence[Rows], stream: ErrorStream | None
) -> list[Measured]:
    """What each detector measures.

    Args:
      rows: of each split and each baseline.
      stream: None where no label has come yet.
    """
    found: list[Measured] = []
    for detector in (getattr(config, name) for name in type(config).model_fields):
        if isinstance(detector, RowsDetector):
            found.extend(measured for pair in rows for measured in detector.measure(pair))
        elif detector is not None and stream is not None:
            found.append(detector.measure(stream))
    return found
