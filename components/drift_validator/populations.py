"""The statistics of one split, ready to be compared: features under the names of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2

from ...beam_jobs.drift_statistics.files import SplitStatistics
from ...beam_jobs.drift_statistics.from_tfdv import feature_name, from_tfdv, whole
from ...beam_jobs.drift_statistics.population import SliceStatistics, SpanStatistics
from ...beam_jobs.slices import slice_name
from .config import DriftConfig


@dataclass(frozen=True)
class Columns:
    """TFDV's statistics of all rows, by feature."""

    rows: int
    features: Mapping[str, statistics_pb2.FeatureNameStatistics]


def population(
    split: SplitStatistics,
    config: DriftConfig,
    names: Mapping[str, str] | None = None,
) -> SpanStatistics:
    """Every slice, without the features that ``config`` ignores.

    Args:
      split: ours, or StatisticsGen's.
      names: what the statistics call a feature, by its name in the log.
    """
    log_names = _reversed(names)
    specs = [[(names or {}).get(feature, feature) for feature in spec] for spec in config.slices]
    found = split.slices or from_tfdv(split.datasets, specs, config.min_group_rows)
    slices = {}
    for here in found.slices.values():
        key = tuple((log_names.get(feature, feature), value) for feature, value in here.key)
        features = {log_names.get(name, name): known for name, known in here.features.items()}
        kept = {name: known for name, known in features.items() if not config.ignores(name)}
        slices[slice_name(key)] = SliceStatistics(key, here.rows, kept)
    return SpanStatistics(slices, found.unnamed, tuple(sorted(found.unknown)))


def columns(
    split: SplitStatistics,
    config: DriftConfig,
    names: Mapping[str, str] | None = None,
) -> Columns:
    """The whole as TFDV tells it, which its schema check needs; else as ``population``."""
    log_names = _reversed(names)
    total = whole(split.datasets)
    features = {}
    for feature in total.features:
        name = log_names.get(feature_name(feature), feature_name(feature))
        if not config.ignores(name):
            features[name] = feature
    return Columns(int(total.num_examples), features)


def _reversed(names: Mapping[str, str] | None) -> dict[str, str]:
    return {name: log_name for log_name, name in (names or {}).items()}
