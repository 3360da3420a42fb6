"""The statistics of one split, ready to be compared: slices and features under common names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import statistics_pb2

from ...beam_jobs.slice_statistics import slice_key, whole
from ...beam_jobs.slices import OVERALL, slice_name
from .config import DriftConfig


@dataclass(frozen=True)
class Slice:
    """One slice's statistics by feature; ``key`` are the features that define it."""

    rows: int
    key: tuple[str, ...]
    features: Mapping[str, statistics_pb2.FeatureNameStatistics]


@dataclass(frozen=True)
class Population:
    """``slices``: by name, ``overall`` first; ``unknown``: slices that no configuration gives;
    ``unnamed``: how many others have too few rows to be named."""

    slices: Mapping[str, Slice]
    unknown: Sequence[str]
    unnamed: int

    @property
    def overall(self) -> Slice:
        return self.slices[OVERALL]


def population(
    datasets: statistics_pb2.DatasetFeatureStatisticsList,
    config: DriftConfig,
    names: Mapping[str, str] | None = None,
) -> Population:
    """Sorts TFDV's statistics into slices, without the features that ``config`` ignores.

    Args:
      datasets: statistics of the whole, and of slices where there are any.
      config: names the features sliced by.
      names: what the statistics call a feature, by its name in the log.
    """
    names = names or {}
    log_names = {name: log_name for log_name, name in names.items()}
    total = whole(datasets)
    slices = {OVERALL: _slice(total, (), config, log_names)}
    unknown, unnamed = [], 0
    specs = [[names.get(feature, feature) for feature in spec] for spec in config.slices]
    for dataset in sorted(datasets.datasets, key=lambda dataset: dataset.name):
        if dataset.name == total.name:
            continue
        if dataset.num_examples < config.min_group_rows:
            unnamed += 1
            continue
        key = slice_key(dataset, specs)
        if key is None:
            unknown.append(dataset.name)
            continue
        pairs = [(log_names.get(feature, feature), value) for feature, value in key]
        slices[slice_name(pairs)] = _slice(
            dataset, tuple(feature for feature, _ in pairs), config, log_names
        )
    return Population(slices, unknown, unnamed)


def common_statistics(
    feature: statistics_pb2.FeatureNameStatistics,
) -> statistics_pb2.CommonStatistics:
    return getattr(feature, feature.WhichOneof("stats") or "num_stats").common_stats


def _slice(
    dataset: statistics_pb2.DatasetFeatureStatistics,
    key: tuple[str, ...],
    config: DriftConfig,
    log_names: Mapping[str, str],
) -> Slice:
    features = {}
    for feature in dataset.features:
        name = ".".join(feature.path.step) or feature.name
        name = log_names.get(name, name)
        if not config.ignores(name):
            features[name] = feature
    return Slice(int(dataset.num_examples), key, features)
