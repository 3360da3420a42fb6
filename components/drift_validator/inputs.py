"""Reads the statistics that DriftValidator is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...beam_jobs.drift_statistics.files import SplitStatistics, read_statistics
from ..statistics_places import span_folder, spans_in, splits_in

if TYPE_CHECKING:
    from tfx import types

Splits = Mapping[str, SplitStatistics]


@dataclass(frozen=True)
class Reference:
    """An earlier span's statistics; ``span``: its name, a number where TFX numbers it."""

    span: str
    splits: Splits


def read_splits(uri: str, names: Sequence[str] | None = None) -> Splits:
    """Statistics by split at ``uri``, of those in ``names`` only; of a split without its file
    there are none."""
    names = splits_in(uri) if names is None else names
    found = {split: read_statistics(uri, split) for split in names}
    return {split: statistics for split, statistics in found.items() if statistics is not None}


def read_references(artifacts: Sequence[types.Artifact]) -> list[Reference]:
    """The reference spans' statistics, in order of time; without those that are empty.

    Args:
      artifacts: as BaselineResolver gives them, several spans in one; or an artifact a span, as
        StatisticsGen writes and a Resolver finds them, in any order.
    """
    in_order = sorted(artifacts, key=lambda artifact: (artifact.span, artifact.id))
    found = []
    for artifact in in_order:
        folders = {span: span_folder(artifact.uri, span) for span in spans_in(artifact.uri)}
        for span, folder in (folders or {str(artifact.span): artifact.uri}).items():
            found.append(Reference(span, read_splits(folder)))
    return [reference for reference in found if reference.splits]
