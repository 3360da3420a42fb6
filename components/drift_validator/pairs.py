"""Which features of which slices can be compared, and with what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ...beam_jobs.drift_statistics.grid import Grid
from ...beam_jobs.drift_statistics.population import (
    VALUE,
    FeatureStatistics,
    SpanStatistics,
    merged,
)
from ...beam_jobs.slices import OVERALL
from .config import DriftConfig
from .span_variation import Against

Splits = Mapping[str, SpanStatistics]


@dataclass(frozen=True, eq=False)
class Pair:
    """A feature of a slice in the span and in what it is compared with.

    ``populations``: the span's, the baseline's, and those of each reference span, which tell how
    much spans vary.
    """

    feature: str
    slice: str
    split: str
    against: Against
    populations: Sequence[FeatureStatistics]


@dataclass
class Pairs:
    """``not_compared``: a sentence for each thing that has no pair, and why."""

    pairs: list[Pair] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


def pair_up(
    current: Splits,
    training: SpanStatistics | None,
    references: Sequence[Splits],
    config: DriftConfig,
) -> Pairs:
    """Pairs every feature with training, with the newest reference and with all of them.

    Args:
      references: earlier spans, in order of time.
    """
    result = Pairs()
    homes = home_splits(current)
    for name, split in current.items():
        features = [feature for feature, home in homes.items() if home == name]
        if not features or not split.overall.rows:
            continue
        earlier = [each[name] for each in references if name in each and each[name].overall.rows]
        baselines: dict[Against, SpanStatistics | None] = {}
        if training is not None:
            baselines["training"] = training if training.overall.rows else None
        if references:
            newest = references[-1].get(name)
            baselines["previous"] = newest if newest and newest.overall.rows else None
        if len(earlier) > 1:
            baselines["reference"] = merged(earlier)
        for against, baseline in baselines.items():
            if baseline is None:
                result.not_compared.append(
                    f"The {against} statistics hold no rows to compare split {name} with."
                )
            else:
                _pair(result, name, features, split, baseline, against, earlier, config)
    return result


def home_splits(splits: Splits) -> dict[str, str]:
    """The split each feature is compared on: the first with values of it, else that lists it."""
    listed: dict[str, str] = {}
    filled: dict[str, str] = {}
    for name, split in splits.items():
        for feature, statistics in split.overall.features.items():
            listed.setdefault(feature, name)
            if statistics.present:
                filled.setdefault(feature, name)
    return listed | filled


def _pair(
    result: Pairs,
    split: str,
    features: Sequence[str],
    current: SpanStatistics,
    baseline: SpanStatistics,
    against: Against,
    earlier: Sequence[SpanStatistics],
    config: DriftConfig,
) -> None:
    known = baseline.overall.features
    absent = [feature for feature in features if feature not in known]
    if absent:
        result.not_compared.append(f"Not in the {against} statistics: {', '.join(absent)}.")
    comparable = []
    for feature in features:
        if feature in known:
            problem = _incomparable(known[feature], current.overall.features[feature], against)
            if problem:
                result.not_compared.append(f"{feature}: {problem}.")
            else:
                comparable.append(feature)
    _note_slices(result, split, current, baseline, against, config.min_group_rows)
    for name, here in current.slices.items():
        before = baseline.slices.get(name)
        if before is None:
            continue
        own = {feature for feature, _ in here.key}
        spans = [span.slices[name] for span in earlier if name in span.slices]
        for feature in comparable:
            if feature not in own:
                sides = [
                    side.features.get(feature, FeatureStatistics(side.rows, side.rows, {}))
                    for side in (here, before, *spans)
                ]
                result.pairs.append(Pair(feature, name, split, against, sides))


def _incomparable(
    baseline: FeatureStatistics, current: FeatureStatistics, against: Against
) -> str | None:
    """Why a feature's values cannot be compared; None where they can, or where there are none."""
    kinds = [
        "numeric" if isinstance(side.aspects[VALUE], Grid) else "categorical"
        for side in (baseline, current)
        if VALUE in side.aspects
    ]
    if len(set(kinds)) > 1:
        return f"{kinds[0]} in the {against} statistics, {kinds[1]} now"
    told = [side for side in (baseline, current) if side.present and not side.aspects]
    return f"no histogram of it in the {against} or the current statistics" if told else None


def _note_slices(
    result: Pairs,
    split: str,
    current: SpanStatistics,
    baseline: SpanStatistics,
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


def listed(names: Sequence[str], what: str, shown: int = 5) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return f"{len(names)} {what}{'s' * (len(names) > 1)} ({'; '.join(names[:shown])}{more})"
