"""Reads the statistics that DriftValidator is given."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import tensorflow_data_validation as tfdv
from tfx.dsl.io import fileio

from ..statistics_places import STATISTICS_FILE, span_folder, spans_in, split_folder, splits_in

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import statistics_pb2
    from tfx import types

    Splits = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]


def read_splits(uri: str, names: Sequence[str] | None = None) -> Splits:
    """Statistics by split at ``uri``, of those in ``names`` only; of a split without its file
    there are none."""
    files = {
        split: os.path.join(split_folder(uri, split), STATISTICS_FILE)
        for split in (splits_in(uri) if names is None else names)
    }
    return {
        split: tfdv.load_stats_binary(file) for split, file in files.items() if fileio.exists(file)
    }


def read_references(artifacts: Sequence[types.Artifact]) -> list[Splits]:
    """The reference spans' statistics by split, in order of time; without those that are empty.

    Args:
      artifacts: as BaselineResolver gives them, several spans in one; or an artifact a span, as
        StatisticsGen writes and a Resolver finds them, in any order.
    """
    in_order = sorted(artifacts, key=lambda artifact: (artifact.span, artifact.id))
    folders = [
        folder
        for artifact in in_order
        for folder in (
            [span_folder(artifact.uri, span) for span in spans_in(artifact.uri)] or [artifact.uri]
        )
    ]
    return [splits for splits in map(read_splits, folders) if splits]
