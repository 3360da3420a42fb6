"""Where statistics lie in an ExampleStatistics artifact.

Of one population ``Split-<split>/...`` (see ``beam_jobs.drift_statistics.files``); of several spans
``Span-<span>/Split-<split>/...``.
"""

from __future__ import annotations

import os

from tfx.dsl.io import fileio

_SPAN, _SPLIT = "Span-", "Split-"


def span_folder(uri: str, span: str) -> str:
    return os.path.join(uri, f"{_SPAN}{span}")


def spans_in(uri: str) -> list[str]:
    """Names of the spans in order of time; none where the artifact is of one population."""
    return _named(uri, _SPAN)


def split_folder(uri: str, split: str) -> str:
    return os.path.join(uri, f"{_SPLIT}{split}")


def splits_in(uri: str) -> list[str]:
    return _named(uri, _SPLIT)


def _named(uri: str, prefix: str) -> list[str]:
    names = fileio.listdir(uri) if fileio.isdir(uri) else []
    return sorted(name[len(prefix) :].rstrip("/") for name in names if name.startswith(prefix))
