"""What River's detectors find in a stream of errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .contract import EVERYTHING, ErrorStream, Measured, StreamDetector, too_few

if TYPE_CHECKING:
    from river.base import DriftDetector

LEAST_ROWS = 100


def found_changes(
    detector: StreamDetector,
    online: DriftDetector,
    stream: ErrorStream,
    errors: np.ndarray,
    origin: str,
) -> Measured:
    """Asks ``online`` about one error after the other.

    The value is the number of changes found within the current span, and its threshold 0. Before
    and after are the mean errors up to the first of them, and from there on; ``since`` is when it
    was noticed.

    Args:
      errors: the stream's, as ``online`` expects them.
      origin: what decides, as a phrase.
    """
    sizes = stream.current, len(errors) - stream.current
    about = (detector.name, EVERYTHING, stream.split, "reference", *sizes)
    reason = too_few(LEAST_ROWS, sizes[0] or sizes[1], sizes[1])
    if reason:
        return Measured(*about, reason=reason)
    found = []
    for place, error in enumerate(errors.tolist()):
        online.update(error)
        if online.drift_detected and place >= max(stream.current, 1):
            found.append(place)
    if not found:
        return Measured(*about, value=0.0, threshold=0.0, origin=origin)
    return Measured(
        *about,
        value=float(len(found)),
        threshold=0.0,
        origin=origin,
        before=float(stream.errors[: found[0]].mean()),
        after=float(stream.errors[found[0] :].mean()),
        since=stream.time(found[0]),
    )


def earlier(stream: ErrorStream) -> np.ndarray:
    """The errors before the current span; of the first span of all, its own."""
    return stream.errors[: stream.current or None].astype(float)
