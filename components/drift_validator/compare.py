"""Drift of a span's statistics, against training and against the previous span."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from ...beam_jobs.reports import Comparison, DriftReport
from ...beam_jobs.slices import OVERALL
from .anomalies import joined, missing_rate_anomaly
from .config import DriftConfig
from .distances import Against, measured, tfdv_anomalies
from .pairs import Pair, Pairs, home_splits, listed, pair_up
from .populations import Population, population
from .schema_check import SchemaCheck, check_schema, inferred_schema
from .thresholds import DivergenceNoise, LargestDifferenceNoise, Noise, Threshold, threshold
from .verdict import drift_report

LARGEST_BINS = 20
MISSING_RATE = "missing_rate_difference"


@dataclass(frozen=True)
class Findings:
    """``anomalies``: by (slice, split); for the whole of every split, and each slice compared."""

    report: DriftReport
    anomalies: Mapping[tuple[str, str], anomalies_pb2.Anomalies]


def compare(
    current: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
    training: statistics_pb2.DatasetFeatureStatisticsList | None,
    previous: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList] | None,
    schema: schema_pb2.Schema | None,
    config: DriftConfig,
) -> Findings:
    """Compares every feature of every slice, and validates every split against the schema.

    Args:
      current: the span's statistics by split, in the order in which splits are preferred.
      training: statistics of the training data, or None.
      previous: the previous span's statistics by split; empty where there is none, which the
        report then says; None where there is no such thing as a span.
      schema: what the data should look like; where None, that is inferred from the training
        statistics, else from the previous ones.
    """
    splits = {name: population(datasets, config) for name, datasets in current.items()}
    trained = population(training, config, config.training_names) if training is not None else None
    earlier = {name: population(datasets, config) for name, datasets in (previous or {}).items()}
    found = _pairs(splits, trained, earlier, config)
    if previous == {}:
        found.not_compared.append(
            "No statistics of a previous span: nothing was compared with one."
        )
    check = _schema_check(splits, trained, earlier, schema, config, found)
    comparisons, compared = _judged(found.pairs, config)
    anomalies: dict[tuple[str, str], list[anomalies_pb2.Anomalies]] = defaultdict(list)
    for split in splits:
        anomalies[OVERALL, split].append(check.anomalies.get(split, anomalies_pb2.Anomalies()))
    for place, of_place in compared:
        anomalies[place].append(of_place)
    return Findings(
        drift_report(comparisons, check.found, found.not_compared, config),
        {place: joined(several) for place, several in anomalies.items()},
    )


def _pairs(
    splits: Mapping[str, Population],
    trained: Population | None,
    earlier: Mapping[str, Population],
    config: DriftConfig,
) -> Pairs:
    homes = home_splits(splits)
    result = Pairs()
    for name, split in splits.items():
        if not split.overall.rows:
            result.not_compared.append(f"Split {name} holds no rows.")
        if split.unnamed:
            result.not_compared.append(
                f"{split.unnamed} slice{'s' * (split.unnamed > 1)} of split {name} with fewer than "
                f"{config.min_group_rows} rows, which are named nowhere."
            )
        if split.unknown:
            result.not_compared.append(
                f"{listed(split.unknown, 'slice')} of split {name} not configured in slices."
            )
    if trained is None:
        result.not_compared.append("No training statistics: nothing was compared with training.")
    for name, split in splits.items():
        features = [feature for feature, home in homes.items() if home == name]
        if not features or not split.overall.rows:
            continue
        baselines = {"training": trained} if trained else {}
        if earlier:
            baselines["previous"] = earlier.get(name)
        for against, baseline in baselines.items():
            if baseline is None or not baseline.overall.rows:
                result.not_compared.append(
                    f"The {against} statistics hold no rows to compare split {name} with."
                )
                continue
            found = pair_up(name, features, split, baseline, against, config)
            result.pairs.extend(found.pairs)
            result.not_compared.extend(found.not_compared)
    return result


def _schema_check(
    splits: Mapping[str, Population],
    trained: Population | None,
    earlier: Mapping[str, Population],
    schema: schema_pb2.Schema | None,
    config: DriftConfig,
    found: Pairs,
) -> SchemaCheck:
    overall = {name: split.overall for name, split in splits.items()}
    if schema is not None:
        return check_schema(overall, schema, config)
    for baseline in (trained, *earlier.values()):
        if baseline and baseline.overall.rows:
            return check_schema(overall, inferred_schema(baseline.overall, config), config)
    found.not_compared.append("No schema, and no statistics to infer one from.")
    return SchemaCheck({}, [])


@dataclass(frozen=True)
class _Test:
    pair: Pair
    noise: Noise
    threshold: Threshold


def _judged(
    pairs: list[Pair], config: DriftConfig
) -> tuple[list[Comparison], list[tuple[tuple[str, str], anomalies_pb2.Anomalies]]]:
    """Every pair's verdict, and the anomalies by (slice, split)."""
    enough = [pair for pair in pairs if pair.counts is not None]
    groups: dict[tuple[Against, str, str], list[_Test]] = defaultdict(list)
    for pair in enough:
        noise = _noise(pair)
        limit = threshold(
            noise,
            getattr(config.floors, pair.distance),
            config.fixed_threshold(pair.feature, pair.distance),
            config.alpha,
            len(enough),
        )
        groups[pair.against, pair.slice, pair.split].append(_Test(pair, noise, limit))
    comparisons = [_too_few(pair, config) for pair in pairs if pair.counts is None]
    anomalies = []
    for (against, name, split), tests in groups.items():
        by_tfdv = tfdv_anomalies(
            {
                test.pair.feature: (test.pair.distance, test.pair.counts, test.threshold.value)
                for test in tests
                if test.pair.distance != MISSING_RATE
            },
            against,
        )
        anomalies.append(((name, split), by_tfdv))
        values = measured(by_tfdv)
        for test in tests:
            if test.pair.distance != MISSING_RATE:
                comparisons.append(_verdict(test, values[test.pair.feature]))
                continue
            baseline, current = (float(side[0]) for side in test.pair.counts.shares())
            if not baseline and not current:
                continue
            comparisons.append(_verdict(test, abs(current - baseline)))
            if comparisons[-1].verdict == "drift":
                anomaly = missing_rate_anomaly(
                    test.pair.feature, against, baseline, current, test.threshold.value
                )
                anomalies.append(((name, split), anomaly))
    return comparisons, anomalies


def _verdict(test: _Test, value: float) -> Comparison:
    pair = test.pair
    drift = value > test.threshold.value
    shown = pair.slice == OVERALL or drift
    largest = LARGEST_BINS if pair.distance == "infinity_norm" else None
    return Comparison(
        feature=pair.feature,
        slice=pair.slice,
        against=pair.against,
        split=pair.split,
        distance=pair.distance,
        value=value,
        threshold=test.threshold.value,
        threshold_origin=test.threshold.origin,
        false_alarm_rate=test.noise.false_alarm_rate(value),
        n_baseline=pair.n_baseline,
        n_current=pair.n_current,
        verdict="drift" if drift else "ok",
        distribution=pair.counts.distribution(largest) if shown else None,
    )


def _too_few(pair: Pair, config: DriftConfig) -> Comparison:
    return Comparison(
        feature=pair.feature,
        slice=pair.slice,
        against=pair.against,
        split=pair.split,
        distance=pair.distance,
        value=None,
        threshold=None,
        threshold_origin=f"fewer than {config.min_rows} rows with a value",
        false_alarm_rate=None,
        n_baseline=pair.n_baseline,
        n_current=pair.n_current,
        verdict="not_enough_data",
    )


def _noise(pair: Pair) -> Noise:
    shares, rows = pair.counts.shares(), (pair.n_baseline, pair.n_current)
    if pair.distance == "jensen_shannon_divergence":
        return DivergenceNoise(*shares, *rows, pair.counts.resolution)
    return LargestDifferenceNoise(*shares, *rows)
