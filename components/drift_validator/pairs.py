"""Which features of which slices can be compared, and the counts to compare them by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from ...beam_jobs.slices import OVERALL
from .categories import common_values
from .config import Distance, DriftConfig
from .counts import Counts
from .distances import Against
from .histograms import common_bins
from .populations import Population, Slice, common_statistics

_DISTANCES: dict[str, Distance] = {
    "num_stats": "jensen_shannon_divergence",
    "string_stats": "infinity_norm",
}


@dataclass(frozen=True)
class Pair:
    """One comparison to make; ``counts`` is None where rows are too few for a verdict."""

    feature: str
    slice: str
    against: Against
    split: str
    distance: Distance
    counts: Counts | None
    n_baseline: int
    n_current: int


@dataclass
class Pairs:
    """``not_compared``: a sentence for each thing that has no pair, and why."""

    pairs: list[Pair] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


def home_splits(splits: Mapping[str, Population]) -> dict[str, str]:
    """The split each feature is compared on: the first with values of it, else that lists it."""
    listed: dict[str, str] = {}
    filled: dict[str, str] = {}
    for name, split in splits.items():
        for feature, statistics in split.overall.features.items():
            listed.setdefault(feature, name)
            if common_statistics(statistics).num_non_missing:
                filled.setdefault(feature, name)
    return listed | filled


def pair_up(
    split: str,
    features: list[str],
    current: Population,
    baseline: Population,
    against: Against,
    config: DriftConfig,
) -> Pairs:
    """Pairs ``features`` of a split, on the whole and on each slice, with a baseline's."""
    result = Pairs()
    known = baseline.overall.features
    absent = [feature for feature in features if feature not in known]
    if absent:
        result.not_compared.append(f"Not in the {against} statistics: {', '.join(absent)}.")
    comparable: dict[str, Distance] = {}
    for feature in features:
        if feature in known:
            now = current.overall.features[feature]
            problem = _incomparable(known[feature], now, against, config)
            if problem:
                result.not_compared.append(f"{feature}: {problem}.")
            else:
                comparable[feature] = _DISTANCES[now.WhichOneof("stats")]
    _note_slices(result, split, current, baseline, against, config.min_group_rows)
    for name, here in current.slices.items():
        before = baseline.slices.get(name)
        if before is None:
            continue
        for feature, distance in comparable.items():
            if feature in here.key:
                continue
            for measure, counts, n_baseline, n_current in _counted(
                feature, distance, before, here, config
            ):
                result.pairs.append(
                    Pair(feature, name, against, split, measure, counts, n_baseline, n_current)
                )
    return result


def _counted(
    feature: str, distance: Distance, baseline: Slice, current: Slice, config: DriftConfig
) -> Iterator[tuple[Distance, Counts | None, int, int]]:
    """Distance, counts and rows of both sides, for the values and for the missing rate."""
    sides = [side.features.get(feature) for side in (baseline, current)]
    values = [int(common_statistics(side).num_non_missing) if side else 0 for side in sides]
    enough = min(values) >= config.min_rows
    yield distance, _counts(distance, *sides, config) if enough else None, *values
    rows = [baseline.rows, current.rows]
    if min(rows) >= config.min_rows:
        tallies = [np.array([n - k, k], float) for n, k in zip(rows, values, strict=True)]
        yield "missing_rate_difference", Counts(("missing", "present"), *tallies), *rows


def _incomparable(
    baseline: statistics_pb2.FeatureNameStatistics,
    current: statistics_pb2.FeatureNameStatistics,
    against: Against,
    config: DriftConfig,
) -> str | None:
    kinds = [side.WhichOneof("stats") for side in (baseline, current)]
    for kind in kinds:
        if kind not in _DISTANCES:
            return f"{kind or 'no statistics'}, for which there is no distance"
    if kinds[0] != kinds[1]:
        names = {"num_stats": "numeric", "string_stats": "categorical"}
        return f"{names[kinds[0]]} in the {against} statistics, {names[kinds[1]]} now"
    filled = all(common_statistics(side).num_non_missing for side in (baseline, current))
    if filled and _counts(_DISTANCES[kinds[0]], baseline, current, config) is None:
        return f"no quantile or rank histogram of it in the {against} or the current statistics"
    return None


def _counts(
    distance: Distance,
    baseline: statistics_pb2.FeatureNameStatistics,
    current: statistics_pb2.FeatureNameStatistics,
    config: DriftConfig,
) -> Counts | None:
    if distance == "jensen_shannon_divergence":
        return common_bins(baseline, current, config.bins)
    return common_values(baseline, current, config.min_group_rows)


def _note_slices(
    result: Pairs,
    split: str,
    current: Population,
    baseline: Population,
    against: Against,
    floor: int,
) -> None:
    new = [name for name in current.slices if name not in baseline.slices]
    if new:
        result.not_compared.append(
            f"{listed(new, 'slice')} of split {split} not in the {against} statistics, or with "
            f"fewer than {floor} rows."
        )
    gone = [name for name in baseline.slices if name not in current.slices and name != OVERALL]
    if gone:
        result.not_compared.append(
            f"{listed(gone, 'slice')} of the {against} statistics not in split {split}, or with "
            f"fewer than {floor} rows."
        )


def listed(names: list[str], what: str, shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{len(names)} {what}{'s' * (len(names) > 1)} ({'; '.join(names[:shown])}{more})"
